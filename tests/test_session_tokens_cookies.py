"""`transport=cookie`: tokens in cookies that no script reads, and nothing changes without the CSRF proof."""

from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from authcenter.sessions.models import Session
from tests.conftest import PASSWORD
from tests.tokens import assert_problem, post

TOKEN, REFRESH, LOGOUT = "/api/token/", "/api/token/refresh/", "/api/token/logout/"
pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(person: Any) -> Any:
    return person("alice@example.com")


@pytest.fixture
def browser() -> Client:
    return Client(HTTP_HOST="localhost", enforce_csrf_checks=True)


def signed_in(browser: Client, user: Any) -> str:
    """The CSRF token that the page is given."""
    response = post(browser, TOKEN, {"email": user.email, "password": PASSWORD, "transport": "cookie"})
    assert response.status_code == 200, response.content
    body = response.json()  # type: ignore[attr-defined]
    assert set(body) == {"csrf_token", "expires_in"}
    return str(body["csrf_token"])


def test_the_cookies_are_out_of_reach_of_scripts_and_of_other_sites(browser: Client, alice: Any) -> None:
    signed_in(browser, alice)
    for name, path, seconds in (
        ("access", "/", 300),
        ("refresh", "/api/token/", settings.REFRESH_IDLE.total_seconds()),
    ):
        cookie = browser.cookies[name]
        assert cookie["httponly"] and cookie["samesite"] == "Strict"
        assert cookie["path"] == path and cookie["max-age"] == seconds


def test_reading_needs_the_cookie_only(browser: Client, alice: Any) -> None:
    signed_in(browser, alice)
    assert browser.get("/api/me/").json()["email"] == alice.email


def test_the_header_comes_before_the_cookie(browser: Client, alice: Any) -> None:
    signed_in(browser, alice)
    assert_problem(browser.get("/api/me/", HTTP_AUTHORIZATION="Bearer x"), 401, "invalid_token")  # type: ignore[arg-type]


def test_cookies_are_no_way_in_for_oauth_tokens(client: Client, alice: Any, application: Any) -> None:
    from tests.tokens import access_token

    client.cookies["access"] = access_token(alice, application("web")[0].client_id)
    assert_problem(client.get("/api/me/"), 401, "invalid_token")  # type: ignore[arg-type]


@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded"])
def test_changing_by_cookie_needs_the_proof(browser: Client, alice: Any, content_type: str) -> None:
    token = signed_in(browser, alice)
    session = Session.objects.get()
    body = "{}" if content_type == "application/json" else ""
    wrong = (
        {},
        {"HTTP_X_CSRFTOKEN": "x" * 64},
        {"HTTP_X_CSRFTOKEN": token, "HTTP_ORIGIN": "https://evil.test"},
        {"HTTP_X_CSRFTOKEN": token, "HTTP_ORIGIN": "null"},
    )
    for headers in wrong:
        for path in (REFRESH, LOGOUT):
            assert_problem(browser.post(path, body, content_type=content_type, **headers), 403, "csrf_failed")  # type: ignore[arg-type]
        assert_problem(browser.delete(f"/api/sessions/{session.pk}/", **headers), 403, "csrf_failed")  # type: ignore[arg-type]
    assert Session.objects.get().ended is None
    refreshed = browser.post(REFRESH, body, content_type=content_type, HTTP_X_CSRFTOKEN=token)
    assert refreshed.status_code == 200 and set(refreshed.json()) == {"csrf_token", "expires_in"}
    assert browser.delete(f"/api/sessions/{session.pk}/", HTTP_X_CSRFTOKEN=token).status_code == 204


def test_a_refresh_by_cookie_rotates_both(browser: Client, alice: Any) -> None:
    token = signed_in(browser, alice)
    before = {name: browser.cookies[name].value for name in ("access", "refresh")}
    assert post(browser, REFRESH, {}, HTTP_X_CSRFTOKEN=token).status_code == 200
    assert all(browser.cookies[name].value != value for name, value in before.items())
    assert browser.get("/api/me/").status_code == 200
    browser.cookies["refresh"] = before["refresh"]
    assert_problem(post(browser, REFRESH, {}, HTTP_X_CSRFTOKEN=token), 401, "token_not_valid")
    assert_problem(browser.get("/api/me/"), 401, "invalid_token")  # type: ignore[arg-type]


def test_sign_out_by_cookie_ends_the_session_and_clears_the_cookies(browser: Client, alice: Any) -> None:
    token = signed_in(browser, alice)
    access = browser.cookies["access"].value
    assert post(browser, LOGOUT, {}, HTTP_X_CSRFTOKEN=token).status_code == 204
    assert browser.cookies["access"].value == "" and browser.cookies["refresh"].value == ""
    browser.cookies["access"] = access
    assert_problem(browser.get("/api/me/"), 401, "invalid_token")  # type: ignore[arg-type]


@pytest.mark.parametrize("origin", ["https://evil.test", "null", "http://localhost.evil.test"])
def test_another_sites_page_gets_no_cookies(browser: Client, alice: Any, origin: str) -> None:
    body = f"email={alice.email}&password={PASSWORD.replace(' ', '+')}&transport=cookie"
    response = browser.post(TOKEN, body, content_type="application/x-www-form-urlencoded", HTTP_ORIGIN=origin)
    assert_problem(response, 403, "foreign_origin")  # type: ignore[arg-type]
    assert not Session.objects.exists() and "access" not in response.cookies


def test_without_asking_there_are_no_cookies(browser: Client, alice: Any) -> None:
    response = post(browser, TOKEN, {"email": alice.email, "password": PASSWORD})
    assert response.status_code == 200 and not response.cookies


@pytest.mark.parametrize("sent", [PASSWORD, [PASSWORD], {"a": PASSWORD}])
def test_what_was_sent_as_transport_is_not_repeated(browser: Any, alice: Any, sent: Any) -> None:
    """It may be a password or a token in the wrong place, and refusals end up in logs."""
    response = post(browser, TOKEN, {"email": alice.email, "password": "x", "transport": sent})
    assert response.status_code == 400 and PASSWORD not in response.content.decode()
