"""Implicit, hybrid and password: for those who must, where an operator switched them on; otherwise not there."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from django.conf import settings as django_settings

from authcenter.checks import faults
from authcenter.oauth.id_token import half_hash
from tests.oauth.flow import answer, assert_bearer_401, claims, redeem, secret, userinfo

TYPES = ["id_token", "id_token token", "code id_token", "code token", "code id_token token"]


@pytest.fixture
def legacy(web, settings):
    settings.LEGACY_FLOWS = ["implicit", "hybrid", "password"]
    web.row.response_types = ["code", *TYPES]
    web.row.save()
    return web


def told(location):
    parts = urlsplit(location)
    assert not parts.query, location
    pairs = parse_qsl(parts.fragment)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


@pytest.mark.parametrize("kind", TYPES)
def test_core_3_2_2_5_and_3_3_2_5_what_each_type_brings(legacy, alice, browser, kind):
    browser.ask(legacy, response_type=kind, scope="openid email", nonce="n1", state="s").sign_in(alice).allow()
    got = told(browser.left_to)
    wanted = {"code": "code", "token": "access_token", "id_token": "id_token"}
    assert {wanted[part] for part in kind.split()} == got.keys() & set(wanted.values())
    assert got["iss"] == django_settings.ISSUER and got["state"] == "s"
    if "id_token" in got:
        said = claims(secret(got["id_token"]))
        assert said["nonce"] == "n1" and said["sub"] == str(alice.pk)
        assert said.get("c_hash") == (half_hash(got["code"]) if "code" in got else None)
        assert said.get("at_hash") == (half_hash(got["access_token"]) if "access_token" in got else None)
        assert ("email" in said) == (kind == "id_token")  # section 5.4
    if "access_token" in got:
        secret(got["access_token"])
        assert got["token_type"] == "Bearer" and int(got["expires_in"]) > 0
        assert userinfo(got["access_token"]).json()["email"] == alice.email
    if "code" in got:
        tokens = redeem(legacy, got["code"]).json()
        assert claims(tokens["id_token"])["sub"] == str(alice.pk)
        if "access_token" in got:  # a code that is used twice ends what came with it, too
            assert redeem(legacy, got["code"]).status_code == 400
            assert_bearer_401(userinfo(got["access_token"]))


def test_tokens_of_the_front_end_with_the_session_and_are_never_offline(legacy, alice, browser):
    asked = {"response_type": "id_token token", "scope": "openid offline_access", "prompt": "consent"}
    browser.ask(legacy, **asked).sign_in(alice).allow()
    token = secret(told(browser.left_to)["access_token"])
    assert claims(token)["scope"] == "openid" and claims(token)["sid"] == browser.sid
    browser.open("/accounts/logout/").submit("csrfmiddlewaretoken", press="x")
    assert_bearer_401(userinfo(token))


@pytest.mark.parametrize("kind", [kind for kind in TYPES if "id_token" in kind])
def test_core_3_2_2_1_the_nonce_is_required(legacy, alice, browser, kind):
    browser.enter(alice)
    assert told(browser.authorize(legacy, response_type=kind, nonce=None)["Location"])["error"] == "invalid_request"


@pytest.mark.parametrize("kind", TYPES)
def test_multiple_response_types_5_never_in_the_query(legacy, browser, kind):
    response = browser.authorize(legacy, response_type=kind, response_mode="query", nonce="n")
    assert told(response["Location"])["error"] == "invalid_request"


def test_form_post_carries_tokens(legacy, alice, browser):
    browser.ask(legacy, response_type="id_token token", response_mode="form_post").sign_in(alice).allow()
    assert {"access_token", "id_token"} <= browser.form("id_token").fields.keys()


@pytest.mark.parametrize("kind", ["token", "none", "CODE", "id_token  token", "token code id_token x"])
def test_what_is_no_type_is_unsupported(legacy, browser, kind):
    response = browser.authorize(legacy, response_type=kind)
    assert answer(response["Location"])["error"] == "unsupported_response_type"


@pytest.mark.parametrize("kind", TYPES)
def test_az_33_off_for_the_application(web, browser, settings, kind):
    settings.LEGACY_FLOWS = ["implicit", "hybrid"]
    assert told(browser.authorize(web, response_type=kind)["Location"])["error"] == "unauthorized_client"


@pytest.mark.parametrize("kind", TYPES)
def test_az_33_off_for_the_installation(web, browser, kind):
    web.row.response_types = ["code", *TYPES]
    web.row.save()
    assert answer(browser.authorize(web, response_type=kind)["Location"])["error"] == "unsupported_response_type"


def test_the_server_says_so_at_its_start(settings):
    settings.LEGACY_FLOWS = ["implicit"]
    assert "authcenter.W002" in {fault.id for fault in faults()}
    settings.LEGACY_FLOWS = ["implict"]
    assert "authcenter.E007" in {fault.id for fault in faults()}
