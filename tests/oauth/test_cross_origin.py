"""Cross-origin calls (TK-48, TR-07): an application's registered origin, to the letter, without credentials."""

import time

import pytest
from django.test import Client

from authcenter.oauth.models import Application
from tests.oauth.conftest import made
from tests.oauth.flow import HOST, as_app, post, redeem, refresh, tokens, userinfo

ORIGIN = "https://spa.test"
STRANGE = [
    "https://evil.test", "null", "https://spa.test.evil.test", "http://spa.test", "https://spa.test:444", "https://SPA.test",
    "https://spa.test/", "https://evilspa.test", "*", "", "https://", "https", "spa.test", "file://",
    "https://spa.test, x",
    "https://spa.test https://evil.test", "https://spa.tes", "https://%", "https://_pa.test", "https://spa.test\x00", "https://é",
]  # fmt: skip


@pytest.fixture
def got(spa, alice, browser):
    return tokens(spa, alice, browser)


def assert_open(response, origin=ORIGIN):
    assert response["Access-Control-Allow-Origin"] == origin
    assert "Access-Control-Allow-Credentials" not in response
    assert "Origin" in response["Vary"]


def assert_shut(response):
    assert "Access-Control-Allow-Origin" not in response
    assert "Access-Control-Allow-Credentials" not in response
    assert response.status_code < 500


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke", "/oauth/userinfo"])
def test_a_preflight_from_a_registered_origin(spa, path):
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    response = Client(HTTP_HOST=HOST).options(path, headers=asked)
    assert_open(response)
    assert response.status_code == 204 and "POST" in response["Access-Control-Allow-Methods"]
    assert "authorization" in response["Access-Control-Allow-Headers"].lower() and not response.cookies


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke", "/oauth/userinfo"])
@pytest.mark.parametrize("origin", STRANGE)
def test_tk_48_a_preflight_from_a_stranger(spa, path, origin):
    assert_shut(
        Client(HTTP_HOST=HOST).options(path, headers={"Origin": origin, "Access-Control-Request-Method": "POST"})
    )


def test_tk_48_a_disabled_application_s_origin(spa):
    Application.objects.update(is_active=False)
    assert_shut(Client(HTTP_HOST=HOST).options("/oauth/token", headers={"Origin": ORIGIN}))


def test_the_answers_are_readable_where_they_should_be(spa, got):
    assert_open(userinfo(got["access_token"], Origin=ORIGIN))
    new = refresh(spa, got["refresh_token"], **{})
    assert_shut(new)  # no Origin, no header
    assert_open(as_app(spa, "/oauth/token", {"grant_type": "refresh_token", "refresh_token": "x"}, Origin=ORIGIN))
    assert_open(as_app(spa, "/oauth/revoke", {"token": "x"}, Origin=ORIGIN))
    assert_open(as_app(spa, "/oauth/revoke", {}, Origin=ORIGIN))


@pytest.mark.parametrize("origin", STRANGE)
def test_tk_48_the_answers_are_not_readable_for_a_stranger(spa, got, origin):
    assert_shut(userinfo(got["access_token"], Origin=origin))
    assert_shut(as_app(spa, "/oauth/token", {"grant_type": "refresh_token", "refresh_token": "x"}, Origin=origin))
    assert_shut(as_app(spa, "/oauth/revoke", {"token": "x"}, Origin=origin))


def test_tk_48_another_application_s_origin_is_a_stranger(spa, got):
    made("spa", "Other", [], redirect_uris="https://other.test/cb", allowed_origins="https://other.test")
    assert_shut(userinfo(got["access_token"], Origin="https://other.test"))
    assert_shut(
        as_app(spa, "/oauth/token", {"grant_type": "refresh_token", "refresh_token": "x"}, Origin="https://other.test")
    )


def test_an_application_without_origins(web, alice, browser):
    got = redeem(web, browser.code(web, alice)).json()
    assert_shut(userinfo(got["access_token"], Origin="https://rp1.test"))


@pytest.mark.parametrize(
    "path", ["/oauth/authorize", "/oauth/consent", "/oauth/introspect", "/oauth/logout", "/accounts/login/"]
)
def test_tr_07_nothing_else_answers_across_origins(spa, path):
    client = Client(HTTP_HOST=HOST)
    for response in (client.get(path, headers={"Origin": ORIGIN}), client.options(path, headers={"Origin": ORIGIN})):
        assert_shut(response)


def test_wrong_credentials_are_not_readable(spa):
    assert_shut(post("/oauth/token", {"grant_type": "refresh_token", "client_id": "nobody"}, Origin=ORIGIN))


def test_a_page_reads_that_its_token_has_expired(spa, got, monkeypatch):
    later = time.time() + 3600
    monkeypatch.setattr("authcenter.oauth.access_token.time.time", lambda: later)
    response = userinfo(got["access_token"], Origin=ORIGIN)
    assert response.status_code == 401 and 'error="invalid_token"' in response["WWW-Authenticate"]
    assert_open(response)
