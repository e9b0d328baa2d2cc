"""Revocations in the console: to find and revoke anything, what it will hit, and the receipt."""

import secrets
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from authcenter.audit.events import record
from authcenter.audit.models import AuditEvent
from authcenter.keys.models import Key
from authcenter.oauth.models import API, AccessToken, Authorization, Family, Scope
from authcenter.oauth.registration import hashed
from authcenter.outbox.sending import serve
from authcenter.sessions.models import Receiver, Revocation, Session
from authcenter.sessions.revocation import Kind, end_all_of_user, revoke
from tests.console_pages import allow, confirm, saved
from tests.receiver import Listener, listener
from tests.test_console_records import new_family, new_session
from tests.tokens import access_claims, access_token, get, parts, session_token

pytestmark = pytest.mark.django_db
LIST, ADD = "/admin/signins/revocation/", "/admin/signins/revocation/add/"


@pytest.fixture
def root(person: Any, client: Any, sign_in: Any) -> Any:
    user = person("root@example.com", is_staff=True, is_superuser=True)
    sign_in(client, user)
    return user


@pytest.fixture
def alice(person: Any) -> Any:
    return person("alice@example.com")


@pytest.fixture
def family(alice: Any, application: Any) -> Family:
    """Of Alice with an application named Shop, through a living browser session."""
    app = application("web", "Shop", access_token_seconds=900)[0]
    made = new_family(Authorization.objects.create(user=alice, application=app, scopes=["openid"]))
    made.session = new_session(alice)
    made.save()
    return made


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


# --- Finding ----------------------------------------------------------------------------------------------------------


def named(family: Family, what: str) -> tuple[str, str, str]:
    """Kind, what is typed, and the page that it leads to."""
    key = Key.objects.filter(state="active").first()
    assert key
    app = f"/admin/oauth/application/{family.application_id}/revoke/"
    person = f"/admin/accounts/user/{family.user_id}/revoke/"
    return {
        "address": ("user", " ALICE@example.com ", person),
        "user id": ("user", str(family.user_id), person),
        "client id": ("application", family.application.client_id, app),
        "name": ("application", "shop", app),
        "session": ("session", str(family.session_id), f"/admin/signins/session/{family.session_id}/end/"),
        "authorization": (
            "authorization",
            family.authorization_id.hex,
            f"/admin/oauth/authorization/{family.authorization_id}/withdraw/",
        ),
        "family": ("family", str(family.pk), f"/admin/oauth/family/{family.pk}/end/"),
        "key": ("key", key.kid[:12], f"/admin/keys/key/{key.kid}/revoke/"),
    }[what]


@pytest.mark.parametrize(
    "what", ["address", "user id", "client id", "name", "session", "authorization", "family", "key"]
)
def test_each_kind_is_found_and_leads_to_the_page_that_asks(client: Any, root: Any, family: Family, what: str) -> None:
    kind, typed, page = named(family, what)
    answer = client.post(ADD, {"kind": kind, "what": typed})
    assert answer.status_code == 302 and answer["Location"] == page
    asked = client.get(page)
    assert asked.status_code == 200 and "What this hits now" in text(asked)
    assert not Revocation.objects.exists()
    confirm(client, page)
    row = Revocation.objects.get()
    assert row.kind == kind


@pytest.mark.parametrize(
    ("kind", "what", "why"),
    [
        ("user", "nobody@example.com", "none of this name"),
        ("user", "nonsense", "no ID"),
        ("user", "b" * 32, "none of this name"),
        ("application", "nothing", "none of this name"),
        ("session", "x", "no ID"),
        ("session", "b" * 32, "none of this name"),
        ("key", "nothing", "none of this name"),
        ("token", "two words", "neither a token nor a jti"),
        ("token", "x" * 65, "neither a token nor a jti"),
        ("token", "a.b.c", "no access token of ours"),
        ("token", "", "required"),
        ("nonsense", "x", "Select a valid choice"),
        ("user", "\x00", "Null characters"),
    ],
)
def test_what_is_not_there_is_told_and_what_was_typed_stays(
    client: Any, root: Any, kind: str, what: str, why: str
) -> None:
    answer = client.post(ADD, {"kind": kind, "what": what})
    assert answer.status_code == 400 and why in text(answer)
    if what.isprintable():
        assert what in answer.content.decode()
    assert not Revocation.objects.exists()


def test_several_of_one_name_ask_for_the_id(client: Any, root: Any, application: Any) -> None:
    application("web", "Twin"), application("web", "Twin")
    assert "several of this name" in text(client.post(ADD, {"kind": "application", "what": "twin"}))


def test_a_pasted_token_is_revoked_alone_and_kept_nowhere(client: Any, root: Any, family: Family, caplog: Any) -> None:
    token = access_token(family.user, family.application.client_id)
    other = access_token(family.user, family.application.client_id)
    asked = client.post(ADD, {"kind": "token", "what": f" {token}\n"})
    jti = parts(token)[1]["jti"]
    assert asked.status_code == 200 and jti in text(asked) and token not in asked.content.decode()
    done = client.post(ADD, {"confirmed": "yes", "jti": jti}, follow=True)
    row = Revocation.objects.get()
    assert (row.kind, row.subject, row.reason) == ("token", jti, "revoked by an operator")
    assert f"{LIST}{row.pk}/change/" in text(done)
    assert get(client, "/api/me/", token).status_code == 401
    assert get(client, "/api/me/", other).status_code == 200
    event = AuditEvent.objects.get(kind="token_revoked")
    assert event.subject == jti and event.actor == str(root.pk)
    assert token not in caplog.text and token not in str(list(AuditEvent.objects.values()))


def test_a_session_token_is_no_access_token(client: Any, root: Any, alice: Any) -> None:
    assert client.post(ADD, {"kind": "token", "what": session_token(alice)}).status_code == 400


def test_who_may_not_add_may_not_find(client: Any, person: Any, sign_in: Any, family: Family) -> None:
    operator = allow(person("op@example.com", is_staff=True), "signins.view_revocation", "accounts.view_user")
    sign_in(client, operator)
    assert client.get(LIST).status_code == 200
    assert client.get(ADD).status_code == 403
    for data in ({"kind": "user", "what": "alice@example.com"}, {"confirmed": "yes", "jti": "x"}):
        assert client.post(ADD, data).status_code == 403
    assert not Revocation.objects.exists()


def test_an_operator_may_not_revoke_what_he_may_not_change(
    client: Any, person: Any, sign_in: Any, family: Family
) -> None:
    person("root@example.com", is_staff=True, is_superuser=True)
    operator = allow(person("op@example.com", is_staff=True), "signins.add_revocation", "accounts.change_user")
    sign_in(client, operator)
    for address, status in (("alice@example.com", 302), ("root@example.com", 403)):
        page = client.post(ADD, {"kind": "user", "what": address})["Location"]
        assert confirm(client, page).status_code == status
    page = client.post(ADD, {"kind": "application", "what": "Shop"})["Location"]
    assert confirm(client, page).status_code == 403
    assert Revocation.objects.get().subject == str(family.user_id)


# --- Before -----------------------------------------------------------------------------------------------------------


def test_what_will_be_hit_is_counted_before(client: Any, root: Any, family: Family, application: Any) -> None:
    new_session(family.user)
    new_session(family.user, ended=timezone.now())
    new_family(family.authorization)
    offline = new_family(family.authorization)
    Family.objects.filter(pk=offline.pk).update(offline=True, session=family.session)
    dead = new_family(family.authorization)
    Family.objects.filter(pk=dead.pk).update(ended=timezone.now())

    def asked(page: str) -> str:
        return text(client.get(page))

    person = asked(f"/admin/accounts/user/{family.user_id}/revoke/")
    assert "Applications: Shop." in person
    assert "2 living sessions end." in person and "3 refresh tokens stop working." in person
    assert "refused within 2 seconds" in person
    until = timezone.localtime(timezone.now() + timedelta(seconds=900))
    assert f"{until:%Y-%m-%d %H:%M}" in person, "the longest life among the applications counts"
    app = asked(f"/admin/oauth/application/{family.application_id}/revoke/")
    assert "3 refresh tokens stop working." in app and "1 person has granted access; the consent stays." in app
    session = asked(f"/admin/signins/session/{family.session_id}/end/")
    assert "1 living session ends." in session and "1 refresh token stops working." in session
    assert "1 refresh token with offline access goes on." in session
    authorization = asked(f"/admin/oauth/authorization/{family.authorization_id}/withdraw/")
    assert "3 refresh tokens stop working." in authorization
    assert "1 refresh token stops working." in asked(f"/admin/oauth/family/{family.pk}/end/")
    reset = asked(f"/admin/accounts/user/{family.user_id}/reset/")
    assert "2 living sessions end." in reset
    roll = asked(f"/admin/oauth/application/{family.application_id}/roll-secret/")
    assert "If it leaked: 3 refresh tokens stop working." in roll


def test_many_applications_are_named_and_the_rest_counted(client: Any, root: Any, alice: Any, application: Any) -> None:
    for number in range(23):
        app = application("web", f"App {number:02}")[0]
        Authorization.objects.create(user=alice, application=app, scopes=["openid"])
    page = text(client.get(f"/admin/accounts/user/{alice.pk}/revoke/"))
    assert "App 00, App 01" in page and "App 19, and 3 more." in page and "App 20" not in page


def test_a_list_action_sums_up(client: Any, root: Any, person: Any) -> None:
    people = [person(f"p{number}@example.com") for number in range(3)]
    for one in people:
        new_session(one)
    chosen = {"action": "revoke_selected", "_selected_action": [str(one.pk) for one in people]}
    assert "3 living sessions end." in text(client.post("/admin/accounts/user/", chosen))
    done = client.post("/admin/accounts/user/", {**chosen, "confirmed": "yes"}, follow=True)
    assert "Everything of 3 users ended." in text(done) and f"{LIST}?kind__exact=user" in text(done)


def test_the_pages_that_delete_or_turn_off_say_what_ends(client: Any, root: Any, family: Family) -> None:
    api = API.objects.create(identifier="https://shop.test/", name="Shop API")
    scope = Scope.objects.create(api=api, name="shop:read", title="Read")
    family.application.scopes.add(scope)
    session = "1 living session ends."
    for place, told in (
        (f"accounts/user/{family.user_id}", session),
        (f"oauth/application/{family.application_id}", "1 person has granted access; the consent stays."),
        (f"oauth/api/{api.pk}", "Applications: Shop."),
    ):
        for page in ("change", "delete"):
            shown = text(client.get(f"/admin/{place}/{page}/"))
            assert told in shown and "1 refresh token stops working." in shown, (place, page)
    assert "Applications: Shop." in text(client.get(f"/admin/oauth/scope/{scope.pk}/delete/"))
    chosen = {"action": "delete_selected", "_selected_action": [str(family.user_id)]}
    assert session in text(client.post("/admin/accounts/user/", chosen))
    assert not Revocation.objects.exists()


def opaque(family: Family, **claims: Any) -> str:
    """An opaque token that the server would mint for this family; its hash is all that is kept."""
    token, now = f"oat_{secrets.token_urlsafe(32)}", timezone.now()
    named = {"gid": str(family.authorization_id), "fid": str(family.pk), "sid": str(family.session_id), **claims}
    AccessToken.objects.create(
        token_hash=hashed(token),
        claims=access_claims(family.user, family.application.client_id, **named),
        user=family.user,
        application=family.application,
        expires=now + timedelta(minutes=5),
    )
    return token


def test_opaque_tokens_are_counted_and_one_is_revoked_by_pasting_it(client: Any, root: Any, family: Family) -> None:
    token = opaque(family)
    other = opaque(family, gid="another", fid="another", sid="another")
    AccessToken.objects.create(
        token_hash="old", claims={}, user=family.user, application=family.application, expires=timezone.now()
    )
    for page, count in (
        (f"accounts/user/{family.user_id}/revoke/", "2 opaque access tokens are refused."),
        (f"oauth/application/{family.application_id}/revoke/", "2 opaque access tokens are refused."),
        (f"signins/session/{family.session_id}/end/", "1 opaque access token is refused."),
        (f"oauth/authorization/{family.authorization_id}/withdraw/", "1 opaque access token is refused."),
        (f"oauth/family/{family.pk}/end/", "1 opaque access token is refused."),
    ):
        assert count in text(client.get(f"/admin/{page}")), page
    jti = AccessToken.objects.get(token_hash=hashed(token)).claims["jti"]
    asked = client.post(ADD, {"kind": "token", "what": token})
    assert asked.status_code == 200 and jti in text(asked) and token not in asked.content.decode()
    client.post(ADD, {"confirmed": "yes", "jti": jti})
    assert get(client, "/api/me/", token).status_code == 401
    assert get(client, "/api/me/", other).status_code == 200
    wrong = client.post(ADD, {"kind": "token", "what": token + "x"})
    assert wrong.status_code == 400 and "no access token of ours" in text(wrong)


# --- After ------------------------------------------------------------------------------------------------------------


def receipt(client: Any, answer: Any) -> str:
    """The page that the message after an act leads to."""
    row = Revocation.objects.latest("sequence")
    page = text(client.get(answer["Location"]) if answer.status_code == 302 else answer)
    assert f"{LIST}{row.pk}/change/" in page, "the message leads to the receipt"
    return text(client.get(f"{LIST}{row.pk}/change/"))


@pytest.mark.parametrize(
    "act",
    [
        *("user", "application", "session", "authorization", "family", "key", "reset", "leaked"),
        *("disable", "disable the application", "change the address", "delete", "delete the application"),
    ],
)
def test_each_act_leads_to_its_receipt(client: Any, root: Any, family: Family, act: str) -> None:
    key = Key.objects.filter(state="active").first()
    person = f"/admin/accounts/user/{family.user_id}"
    app = f"/admin/oauth/application/{family.application_id}"
    pages = {
        "user": f"{person}/revoke/",
        "application": f"{app}/revoke/",
        "session": f"/admin/signins/session/{family.session_id}/end/",
        "authorization": f"/admin/oauth/authorization/{family.authorization_id}/withdraw/",
        "family": f"/admin/oauth/family/{family.pk}/end/",
        "key": f"/admin/keys/key/{key.kid if key else ''}/revoke/",
        "reset": f"{person}/reset/",
    }
    match act:
        case "disable":
            answer = saved(client, f"{person}/change/", is_active=None)
        case "disable the application":
            answer = saved(client, f"{app}/change/", is_active=None)
        case "change the address":
            answer = saved(client, f"{person}/change/", email="other@example.com")
        case "delete" | "delete the application":
            answer = client.post(f"{person if act == 'delete' else app}/delete/", {"post": "yes"})
        case "leaked":
            answer = confirm(client, f"{app}/roll-secret/", leaked="yes")
        case _:
            answer = confirm(client, pages[act])
    page = receipt(client, answer)
    assert "root@example.com</a>" in page, "who did it"
    row = Revocation.objects.latest("sequence")
    assert f"{row.last_token_expires:%Y-%m-%d}" in page
    assert "within 0.3 seconds" in page and "within 2 seconds" in page and "Events about it" in page
    assert row.last_token_expires and 890 < (row.last_token_expires - row.created).total_seconds() <= 900


def test_an_api_that_is_turned_off_leads_to_its_receipts(client: Any, root: Any, family: Family) -> None:
    api = API.objects.create(identifier="https://shop.test/", name="Shop API")
    family.application.scopes.add(Scope.objects.create(api=api, name="shop:read", title="Read"))
    page = text(client.get(saved(client, f"/admin/oauth/api/{api.pk}/change/", is_active=None)["Location"]))
    assert "Everything of 1 application ended." in page and f"{LIST}?kind__exact=application" in page


def test_the_receipt_names_nobody_who_did_something_else(client: Any, root: Any, alice: Any) -> None:
    end_all_of_user(alice.pk, reason="test")
    record(None, AuditEvent.Kind.SIGNED_IN, actor=alice.pk, subject=alice.pk)
    row = Revocation.objects.get()
    assert "alice@example.com</a> ·" not in text(client.get(f"{LIST}{row.pk}/change/"))


@pytest.fixture
def there() -> Iterator[Listener]:
    with listener() as heard:
        yield heard


def test_the_receipt_tells_which_receivers_have_acknowledged(
    client: Any, root: Any, alice: Any, there: Listener
) -> None:
    for number in range(2):
        api = API.objects.create(identifier=f"https://{number}.test/", name=str(number))
        Receiver.objects.create(api=api, url=there.url)
    end_all_of_user(alice.pk, reason="test")
    row = Revocation.objects.get()

    def page() -> str:
        return text(client.get(f"{LIST}{row.pk}/change/"))

    assert page().count("not yet") == 2
    serve("https://0.test/")
    there.status = 503
    serve("https://1.test/")
    assert "https://0.test/: acknowledged" in page() and "https://1.test/: not yet The receiver answered 503." in page()


def test_without_receivers_it_says_so(client: Any, root: Any) -> None:
    revoke(Kind.TOKEN, "one", reason="test")
    assert "None was told" in text(client.get(f"{LIST}1/change/"))


def test_the_list_names_searches_and_filters(client: Any, root: Any, alice: Any, application: Any) -> None:
    app = application("web", "Shop")[0]
    end_all_of_user(alice.pk, reason="password changed")
    revoke(Kind.APPLICATION, app.client_id, epoch=1, reason="test")
    revoke(Kind.SESSION, uuid4(), reason="signed out")
    revoke(Kind.USER, uuid4(), epoch=1, reason="deleted by an operator")
    page = text(client.get(LIST))
    assert "alice@example.com" in page and "Shop" in page
    for query, found in (
        ("q=alice@example.com", 1),
        (f"q={alice.pk}", 1),
        (f"q={app.client_id}", 1),
        ("q=password", 1),
        ("q=nothing", 0),
        ("kind__exact=user", 2),
        ("reason__exact=test", 1),
    ):
        assert client.get(f"{LIST}?{query}").context["cl"].result_count == found, query
    gone = Revocation.objects.get(reason="deleted by an operator")
    assert "not there any more" in text(client.get(f"{LIST}{gone.pk}/change/"))


def test_nothing_is_counted_row_by_row(client: Any, root: Any, person: Any, django_assert_max_num_queries: Any) -> None:
    for number in range(30):
        end_all_of_user(person(f"p{number}@example.com").pk, reason="test")
    with django_assert_max_num_queries(14):
        assert client.get(LIST).status_code == 200
    assert Session.objects.count() >= 1
