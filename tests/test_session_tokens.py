"""POST /api/token/, …/refresh/, …/verify/, …/logout/: the life of a JWT session, and what must not keep it alive."""

import json
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone
from joserfc import jws

from accounts.models import Role
from authcenter.audit.models import AuditEvent
from authcenter.keys.ring import InvalidToken, ring
from authcenter.sessions.models import Session
from authcenter.sessions.revocation import end_all_of_user, end_session
from tests.conftest import PASSWORD
from tests.tokens import access_token, assert_problem, get, parts, post, session_token

TOKEN, REFRESH, VERIFY, LOGOUT = "/api/token/", "/api/token/refresh/", "/api/token/verify/", "/api/token/logout/"
pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(person: Any) -> Any:
    return person("alice@example.com", name="Alice Liddell")


def signed_in(client: Any, user: Any, **more: Any) -> dict[str, str]:
    response = post(client, TOKEN, {"email": user.email, "password": PASSWORD, **more})
    assert response.status_code == 200, response.content
    return json.loads(response.content)


def refresh(client: Any, token: str) -> Any:
    return post(client, REFRESH, {"refresh": token})


def verify(client: Any, token: str) -> Any:
    return post(client, VERIFY, {"token": token})


# --- Signing in -----------------------------------------------------------------------------------------------


def test_the_pair_is_good_and_says_who_how_and_where(client: Any, alice: Any) -> None:
    alice.roles.add(Role.objects.create(name="operator"), Role.objects.create(name="author"))
    alice.groups.add(Group.objects.create(name="Editors"))
    response = post(client, TOKEN, {"email": "Alice@Example.com", "password": PASSWORD})
    assert response["Cache-Control"] == "no-store"
    pair = response.json()  # type: ignore[attr-defined]
    header, claims = parts(pair["access"])
    session = Session.objects.get()
    assert header["typ"] == "session+jwt" and header["alg"] == "ES256" and header["kid"]
    assert claims["sub"] == str(alice.pk) and claims["sid"] == str(session.pk)
    assert claims["aud"] == settings.SESSION_AUDIENCE and claims["iss"] == settings.ISSUER
    assert claims["roles"] == ["author", "operator"] and claims["groups"] == ["Editors"]
    assert claims["amr"] == ["pwd"] and claims["auth_time"] == int(session.auth_time.timestamp())
    assert claims["exp"] - claims["iat"] == settings.ACCESS_TOKEN_SECONDS == pair["expires_in"]
    me = get(client, "/api/me/", pair["access"]).json()  # type: ignore[attr-defined]
    assert me["email"] == alice.email and me["roles"] == ["author", "operator"] and me["name"] == "Alice Liddell"


def test_a_form_is_as_good_as_json(client: Any, alice: Any) -> None:
    assert client.post(TOKEN, {"email": alice.email, "password": PASSWORD}, content_type=FORM).status_code == 415
    body = f"email={alice.email}&password={PASSWORD.replace(' ', '+')}"
    assert client.post(TOKEN, body, content_type="application/x-www-form-urlencoded").status_code == 200


FORM = "multipart/form-data; boundary=BoUnDaRyStRiNg"


def test_no_token_tells_an_address_a_name_or_anything_of_the_password(client: Any, alice: Any) -> None:
    pair = signed_in(client, alice)
    for token in (pair["access"], pair["refresh"]):
        text = json.dumps(parts(token)).lower()
        assert "alice" not in text and "hash" not in text and "email" not in text


def test_one_row_a_sign_in_and_the_act_is_audited(client: Any, alice: Any) -> None:
    signed_in(client, alice)
    session = Session.objects.get(user=alice, kind=Session.Kind.API)
    assert AuditEvent.objects.get(kind=AuditEvent.Kind.SIGNED_IN).subject == str(session.pk)


def test_unknown_wrong_and_disabled_are_answered_alike(client: Any, person: Any) -> None:
    person("alice@example.com")
    person("bob@example.com", is_active=False)
    answers = [
        post(client, TOKEN, {"email": email, "password": password})
        for email, password in (
            ("nobody@example.com", PASSWORD),
            ("alice@example.com", "wrong"),
            ("bob@example.com", PASSWORD),
            ("bob@example.com", "wrong"),
        )
    ]
    for answer in answers:
        assert_problem(answer, 401, "invalid_credentials")
    assert len({answer.content for answer in answers}) == 1
    assert not Session.objects.exists()


def test_each_answer_costs_one_hash(client: Any, person: Any, hashes: list[str]) -> None:
    person("alice@example.com")
    person("bob@example.com", is_active=False)
    person("carol@example.com", password=None)
    for email in ("nobody@example.com", "alice@example.com", "bob@example.com", "carol@example.com"):
        hashes.clear()
        post(client, TOKEN, {"email": email, "password": "wrong"})
        assert len(hashes) == 1, email


def test_an_unverified_address_is_told_to_who_knows_the_password_only(client: Any, alice: Any) -> None:
    EmailAddress.objects.update(verified=False)
    assert_problem(post(client, TOKEN, {"email": alice.email, "password": "wrong"}), 401, "invalid_credentials")
    assert_problem(post(client, TOKEN, {"email": alice.email, "password": PASSWORD}), 401, "email_not_verified")
    assert not Session.objects.exists()


def test_too_many_wrong_passwords_are_a_429_that_says_when(client: Any, alice: Any) -> None:
    for _ in range(10):
        assert_problem(post(client, TOKEN, {"email": alice.email, "password": "wrong"}), 401, "invalid_credentials")
    response = post(client, TOKEN, {"email": alice.email, "password": PASSWORD})
    assert_problem(response, 429, "too_many_attempts")
    assert 0 < int(response["Retry-After"]) <= 900
    assert not Session.objects.exists()


def test_the_count_is_shared_with_the_sign_in_page(client: Any, alice: Any) -> None:
    for _ in range(10):
        client.post("/accounts/login/", {"login": alice.email, "password": "wrong"})
    assert_problem(post(client, TOKEN, {"email": alice.email, "password": PASSWORD}), 429, "too_many_attempts")


def test_right_passwords_are_not_counted(client: Any, alice: Any) -> None:
    for _ in range(12):
        signed_in(client, alice)
    assert Session.objects.count() == 12


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("hashes")  # as slow as they are, so that all guesses are under way at once
def test_parallel_guesses_are_not_judged_beyond_the_limit(person: Any, parallel: Any) -> None:
    alice = person()

    def guess(number: int) -> int:
        return post(Client(HTTP_HOST="localhost"), TOKEN, {"email": alice.email, "password": "wrong"}).status_code

    answers = parallel(20, guess)
    assert sorted(set(answers)) == [401, 429]
    assert answers.count(401) <= 10


# --- Refreshing -----------------------------------------------------------------------------------------------


def test_a_refresh_gives_the_next_pair_and_the_roles_of_now(client: Any, alice: Any) -> None:
    first = signed_in(client, alice)
    alice.roles.add(Role.objects.create(name="operator"))
    second = refresh(client, first["refresh"]).json()
    assert second["refresh"] != first["refresh"]
    assert parts(second["access"])[1]["roles"] == ["operator"]
    assert parts(second["access"])[1]["auth_time"] == parts(first["access"])[1]["auth_time"]
    assert get(client, "/api/me/", second["access"]).status_code == 200
    assert Session.objects.count() == 1


def test_rfc9700_4_14_2_a_replay_ends_the_session(client: Any, alice: Any) -> None:
    first = signed_in(client, alice)
    second = refresh(client, first["refresh"]).json()
    assert_problem(refresh(client, first["refresh"]), 401, "token_not_valid")
    assert_problem(refresh(client, second["refresh"]), 401, "token_not_valid")
    assert_problem(get(client, "/api/me/", second["access"]), 401, "invalid_token")
    assert Session.objects.get().ended_by == "refresh replay"
    event = AuditEvent.objects.get(kind=AuditEvent.Kind.REFRESH_REPLAYED)
    assert event.actor == str(alice.pk) and event.subject == str(Session.objects.get().pk)


@pytest.mark.django_db(transaction=True)
def test_of_twenty_parallel_refreshes_one_wins_at_most_and_one_lineage_lives_at_most(
    person: Any, parallel: Any, client: Any
) -> None:
    pair = signed_in(client, person())
    answers = parallel(20, lambda number: refresh(Client(HTTP_HOST="localhost"), pair["refresh"]))
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(200) <= 1
    assert set(statuses) <= {200, 401}
    assert AuditEvent.objects.filter(kind=AuditEvent.Kind.REFRESH_REPLAYED).count() == 1
    for answer in answers:
        if answer.status_code == 200:
            assert_problem(refresh(client, answer.json()["refresh"]), 401, "token_not_valid")


@pytest.mark.parametrize("kind", ["access", "oauth", "garbage", "empty"])
def test_only_refresh_tokens_refresh(client: Any, alice: Any, kind: str) -> None:
    pair = signed_in(client, alice)
    token = {"access": pair["access"], "oauth": access_token(alice), "garbage": "a.b.c", "empty": ""}[kind]
    response = refresh(client, token)
    assert response.status_code in {400, 401}
    assert Session.objects.get().ended is None
    assert refresh(client, pair["refresh"]).status_code == 200


def test_what_is_typed_as_refresh_but_says_access_is_refused(client: Any, alice: Any) -> None:
    assert_problem(refresh(client, session_token(alice, typ="session-refresh+jwt")), 401, "token_not_valid")
    assert_problem(refresh(client, session_token(alice, token_use="refresh")), 401, "token_not_valid")


def test_the_end_of_the_session_ends_its_refresh(client: Any, alice: Any) -> None:
    pair = signed_in(client, alice)
    end_session(Session.objects.get().pk, reason="test")
    assert_problem(refresh(client, pair["refresh"]), 401, "token_not_valid")


def test_sign_out_everywhere_ends_it_and_a_sign_in_right_after_works(client: Any, alice: Any) -> None:
    pairs = [signed_in(client, alice) for _ in range(3)]
    end_all_of_user(alice.pk, reason="test")
    for pair in pairs:
        assert_problem(refresh(client, pair["refresh"]), 401, "token_not_valid")
        assert_problem(verify(client, pair["access"]), 401, "token_not_valid")
    alice.refresh_from_db()
    assert verify(client, signed_in(client, alice)["access"]).status_code == 200


@pytest.mark.parametrize("act", ["disable", "delete"])
def test_a_disabled_or_deleted_person_gets_401(client: Any, alice: Any, act: str) -> None:
    pair = signed_in(client, alice)
    if act == "delete":
        alice.delete()
    else:
        type(alice).objects.update(is_active=False)
    assert_problem(refresh(client, pair["refresh"]), 401, "token_not_valid")
    assert_problem(verify(client, pair["access"]), 401, "token_not_valid")
    assert_problem(get(client, "/api/me/", pair["access"]), 401, "invalid_token")


def test_idle_and_absolute_ends(client: Any, alice: Any) -> None:
    idle, old = signed_in(client, alice), signed_in(client, alice)
    by_refresh = {pair["refresh"]: parts(pair["refresh"])[1]["sid"] for pair in (idle, old)}
    now = timezone.now()
    Session.objects.filter(pk=by_refresh[idle["refresh"]]).update(last_seen=now - settings.REFRESH_IDLE)
    Session.objects.filter(pk=by_refresh[old["refresh"]]).update(expires=now)
    for pair in (idle, old):
        assert_problem(refresh(client, pair["refresh"]), 401, "token_not_valid")


def test_rotation_never_moves_the_absolute_end(client: Any, alice: Any) -> None:
    pair = signed_in(client, alice)
    session = Session.objects.get()
    soon = timezone.now() + timedelta(hours=1)
    Session.objects.update(expires=soon)
    pair = refresh(client, pair["refresh"]).json()
    assert parts(pair["refresh"])[1]["exp"] == int(soon.timestamp())
    assert session.expires - session.created == settings.REFRESH_ABSOLUTE


# --- Verifying ------------------------------------------------------------------------------------------------


def test_verify_says_yes_to_living_access_tokens_of_sessions_only(client: Any, alice: Any, application: Any) -> None:
    pair = signed_in(client, alice)
    response = verify(client, pair["access"])
    assert response.status_code == 200 and response.json() == {}
    for token in (
        pair["refresh"],
        access_token(alice, application("web")[0].client_id),
        "x",
        session_token(alice, exp=1),
    ):
        assert_problem(verify(client, token), 401, "token_not_valid")
    end_session(Session.objects.get().pk, reason="test")
    assert_problem(verify(client, pair["access"]), 401, "token_not_valid")


# --- Signing out ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["refresh", "access", "expired access", "old refresh"])
def test_sign_out_by_any_token_of_the_session_and_twice(client: Any, alice: Any, by: str) -> None:
    first = signed_in(client, alice)
    pair = refresh(client, first["refresh"]).json()
    sid = str(Session.objects.get().pk)
    header = {
        "access": pair["access"],
        "expired access": session_token(alice, sid=sid, exp=1),
    }.get(by)
    body = {"refresh": {"refresh": pair["refresh"], "old refresh": first["refresh"]}.get(by)}
    for _ in range(2):
        if header:
            response = post(client, LOGOUT, {}, HTTP_AUTHORIZATION=f"Bearer {header}")
        else:
            response = post(client, LOGOUT, body)
        assert response.status_code == 204 and not response.content
    assert_problem(refresh(client, pair["refresh"]), 401, "token_not_valid")
    assert_problem(verify(client, pair["access"]), 401, "token_not_valid")
    assert AuditEvent.objects.filter(kind=AuditEvent.Kind.SIGNED_OUT).count() == 1


def test_sign_out_ends_this_session_only(client: Any, alice: Any) -> None:
    one, two = signed_in(client, alice), signed_in(client, alice)
    post(client, LOGOUT, {"refresh": one["refresh"]})
    assert verify(client, two["access"]).status_code == 200


def test_other_tokens_sign_nobody_out(client: Any, alice: Any) -> None:
    signed_in(client, alice)
    sid = str(Session.objects.get().pk)
    assert_problem(post(client, LOGOUT, {"refresh": access_token(alice, sid=sid)}), 401, "token_not_valid")
    assert_problem(post(client, LOGOUT, {"refresh": "garbage"}), 401, "token_not_valid")
    assert_problem(post(client, LOGOUT, {}), 400, "invalid")
    assert Session.objects.get().ended is None


@pytest.mark.parametrize("subject", ["\ud800", "a\x00b"], ids=["half", "nul"])
def test_a_name_that_no_database_can_keep_is_in_no_token(db: None, subject: str) -> None:
    """JSON can write it; only our own key could sign it, as here."""
    body, (kid, key) = json.dumps({"sub": subject}).encode(), ring._signing["ES256"]
    header = {"alg": "ES256", "typ": "JWT", "kid": kid}
    token = jws.serialize_compact(header, body, key, algorithms=["ES256"])
    with pytest.raises(InvalidToken):
        ring.verify(token, typ=["jwt"])
