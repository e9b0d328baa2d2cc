"""GET /api/sessions/, DELETE /api/sessions/<id>/, GET /api/me/: one's own account, and nobody else's."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from authcenter.audit.models import AuditEvent
from authcenter.sessions.models import Session
from authcenter.sessions.start import start_api_session, start_browser_session
from tests.tokens import access_token, assert_problem, get, session_token

SESSIONS = "/api/sessions/"
pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(person: Any) -> Any:
    return person("alice@example.com", given_name="Alice", address={"country": "GB"}, phone_number="+441234")


@pytest.fixture
def bob(person: Any) -> Any:
    return person("bob@example.com")


@pytest.fixture
def app(application: Any) -> Any:
    return application("web")[0]


def begun(rf: Any, user: Any, **changes: Any) -> Session:
    session = start_api_session(rf.get("/", HTTP_USER_AGENT="Browser/1"), user, amr=["pwd"], acr="")
    Session.objects.filter(pk=session.pk).update(**changes)
    return session


def delete(client: Any, session: Any, token: str) -> Any:
    return client.delete(f"{SESSIONS}{getattr(session, 'pk', session)}/", HTTP_AUTHORIZATION=f"Bearer {token}")


def test_living_sessions_of_ones_own_are_listed_and_this_one_is_marked(
    client: Any, alice: Any, bob: Any, rf: Any
) -> None:
    here, browser = begun(rf, alice), start_browser_session(rf.get("/"), alice, amr=["pwd"], acr="", remember=False)
    now = timezone.now()
    begun(rf, bob)
    begun(rf, alice, ended=now)
    begun(rf, alice, expires=now)
    begun(rf, alice, last_seen=now - settings.REFRESH_IDLE - timedelta(seconds=1))
    almost = begun(rf, alice, last_seen=now - settings.REFRESH_IDLE + timedelta(minutes=1))
    body = get(client, SESSIONS, session_token(alice, sid=str(here.pk))).json()  # type: ignore[attr-defined]
    assert body["count"] == 3
    assert {row["id"]: row["current"] for row in body["results"]} == {
        str(here.pk): True,
        str(browser.pk): False,
        str(almost.pk): False,
    }
    row = next(row for row in body["results"] if row["current"])
    assert row["kind"] == "api" and row["user_agent"] == "Browser/1" and row["amr"] == ["pwd"]
    assert "refresh_jti" not in row


@pytest.mark.parametrize(
    ("query", "listed"), [("limit=2", 2), ("limit=1000", 100), ("limit=5&offset=103", 2), ("", 50)]
)
def test_the_list_comes_in_pages(client: Any, alice: Any, rf: Any, query: str, listed: int) -> None:
    Session.objects.bulk_create(
        Session(user=alice, kind="api", expires=timezone.now() + timedelta(days=1), idle_seconds=9999)
        for _ in range(105)
    )
    body = get(client, f"{SESSIONS}?{query}", session_token(alice)).json()  # type: ignore[attr-defined]
    assert body["count"] == 105 and len(body["results"]) == listed


@pytest.mark.parametrize("query", ["limit=-1", "limit=x", "limit=%00", f"offset={'9' * 400}", "offset=-5", "limit=0"])
def test_senseless_pages_are_no_errors(client: Any, alice: Any, query: str) -> None:
    assert get(client, f"{SESSIONS}?{query}", session_token(alice)).status_code == 200


def test_one_ends_ones_own_session_once(client: Any, alice: Any, rf: Any) -> None:
    session, token = begun(rf, alice), session_token(alice)
    assert delete(client, session, token).status_code == 204
    session.refresh_from_db()
    assert session.ended is not None
    event = AuditEvent.objects.get(kind=AuditEvent.Kind.SESSION_REVOKED)
    assert event.actor == str(alice.pk) and event.subject == str(session.pk)
    assert_problem(get(client, SESSIONS, session_token(alice, sid=str(session.pk))), 401, "invalid_token")
    assert_problem(delete(client, session, token), 404, "not_found")


@pytest.mark.parametrize("what", ["bobs", "unknown", "word", "0", "%00", "..%2f"])
def test_another_persons_session_is_not_there(client: Any, alice: Any, bob: Any, rf: Any, what: str) -> None:
    bobs = begun(rf, bob)
    assert_problem(
        delete(client, {"bobs": bobs, "unknown": uuid.uuid4()}.get(what, what), session_token(alice)), 404, "not_found"
    )
    bobs.refresh_from_db()
    assert bobs.ended is None


def test_applications_need_the_scopes_of_the_account(client: Any, alice: Any, app: Any, rf: Any) -> None:
    session = begun(rf, alice)
    reader = access_token(alice, app.client_id, scope="openid account:read")
    writer = access_token(alice, app.client_id, scope="openid account:write")
    assert get(client, SESSIONS, reader).status_code == 200
    response = get(client, SESSIONS, writer)
    assert_problem(response, 403, "insufficient_scope")
    assert response["WWW-Authenticate"].endswith('scope="account:read"')
    response = delete(client, session, reader)
    assert_problem(response, 403, "insufficient_scope")
    assert response["WWW-Authenticate"].endswith('scope="account:write"')
    assert delete(client, session, writer).status_code == 204


def test_machines_have_no_sessions(client: Any, application: Any) -> None:
    machine = application("machine")[0]
    token = access_token(None, machine.client_id, scope="account:read account:write")
    assert_problem(get(client, SESSIONS, token), 403, "permission_denied")


def test_me_tells_an_application_what_its_scopes_allow(client: Any, alice: Any, app: Any) -> None:
    def told(scope: str) -> dict[str, Any]:
        return get(client, "/api/me/", access_token(alice, app.client_id, scope=scope)).json()  # type: ignore[attr-defined,no-any-return]

    assert told("openid") == {"sub": str(alice.pk)}
    assert told("openid email") == {"sub": str(alice.pk), "email": alice.email, "email_verified": True}
    assert told("openid phone")["phone_number"] == "+441234"
    assert told("openid address")["address"] == {"country": "GB"}
    assert told("openid profile")["given_name"] == "Alice"


def test_me_tells_a_session_all_and_a_verified_address_only_as_such(client: Any, alice: Any) -> None:
    from allauth.account.models import EmailAddress

    EmailAddress.objects.update(verified=False)
    body = get(client, "/api/me/", session_token(alice, roles=["operator"])).json()  # type: ignore[attr-defined]
    assert body["email_verified"] is False and body["roles"] == ["operator"] and body["groups"] == []
    assert body["phone_number"] == "+441234"
