"""grant_type=authorization_code: a code is good once, for its client, redirect URI, verifier and minute."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from accounts.models import User
from authcenter.audit.models import AuditEvent
from authcenter.oauth.models import API, Application, Authorization, Family, Grant
from authcenter.oauth.withdrawal import withdraw
from authcenter.sessions.models import Session
from authcenter.sessions.revocation import end_all_of_application, end_all_of_user, end_session
from tests.oauth.conftest import made
from tests.oauth.flow import (
    VERIFIER,
    as_app,
    assert_bearer_401,
    assert_refused,
    challenge,
    claims,
    post,
    redeem,
    refresh,
    secret,
    stored,
    tokens,
    userinfo,
)


@pytest.fixture
def code(web, alice, browser):
    return browser.code(web, alice, scope="openid orders:read")


def test_rfc6749_5_1_what_a_code_buys(web, code):
    response = redeem(web, code)
    assert response.status_code == 200 and response["Cache-Control"] == "no-store" and response["Pragma"] == "no-cache"
    assert response["Content-Type"] == "application/json" and not response.cookies
    got = response.json()
    assert got.keys() == {"access_token", "token_type", "expires_in", "scope", "refresh_token", "id_token"}
    assert got["token_type"] == "Bearer" and got["expires_in"] == 300
    assert Family.objects.get().token_hash not in got["refresh_token"]
    assert not AuditEvent.objects.filter(kind="grant_refused").exists()


def test_rfc9068_2_what_an_access_token_says(web, alice, browser, code):
    got = redeem(web, code).json()
    said, header = claims(got["access_token"]), claims(got["access_token"], 0)
    assert header["typ"] == "at+jwt" and header["alg"] == "ES256" and header["kid"]
    assert {"iss", "exp", "aud", "sub", "client_id", "iat", "jti"} <= said.keys()  # section 2.2: REQUIRED
    assert said["iss"] == settings.ISSUER and said["sub"] == str(alice.pk) and said["client_id"] == web.id
    assert said["aud"] == [settings.OWN_API, "https://orders.test/"]
    assert said["scope"] == "openid orders:read"
    assert said["auth_time"] == claims(got["id_token"])["auth_time"]
    assert said["sid"] == browser.sid and said["gid"] == str(Authorization.objects.get().pk)
    assert said["fid"] == str(Family.objects.get().pk)
    assert said["exp"] - said["iat"] == 300


def test_without_openid_there_is_no_id_token(web, alice, browser):
    got = redeem(web, browser.code(web, alice, scope="orders:read")).json()
    assert "id_token" not in got and got["scope"] == "orders:read"


def test_without_the_refresh_grant_there_is_no_refresh_token(web, alice, browser):
    Application.objects.filter(pk=web.row.pk).update(grant_types=["authorization_code"])
    got = tokens(web, alice, browser)
    assert "refresh_token" not in got and not Family.objects.exists()
    assert userinfo(got["access_token"]).status_code == 200


def test_offline_access_makes_tokens_without_sid(web, alice, browser):
    got = tokens(web, alice, browser, scope="openid offline_access")
    assert "sid" not in claims(got["access_token"]) and Family.objects.get().offline


# --- Replay (TK-01) -------------------------------------------------------------------------------------------


def test_tk_01_rfc6749_4_1_2_rfc9700_4_5_a_replay_ends_what_the_first_use_bought(web, code):
    first = redeem(web, code).json()
    assert_refused(redeem(web, code), 400, "invalid_grant")
    assert_bearer_401(userinfo(first["access_token"]))
    assert_refused(refresh(web, first["refresh_token"]), 400, "invalid_grant")
    assert AuditEvent.objects.filter(kind="code_replayed", client_id=web.id).count() == 1
    assert_refused(redeem(web, code), 400, "invalid_grant")


def test_tk_01_a_replay_with_a_wrong_verifier_ends_it_too(spa, alice, browser):
    code = browser.code(spa, alice)
    first = redeem(spa, code).json()
    assert_refused(redeem(spa, code, code_verifier="x" * 43), 400, "invalid_grant")
    assert_bearer_401(userinfo(first["access_token"]))


def test_tk_01_a_replay_without_refresh_token_ends_the_access_token(web, alice, browser):
    Application.objects.filter(pk=web.row.pk).update(grant_types=["authorization_code"])
    code = browser.code(web, alice)
    first = redeem(web, code).json()
    assert_refused(redeem(web, code), 400, "invalid_grant")
    assert_bearer_401(userinfo(first["access_token"]))


def test_tk_01_a_foreign_replay_ends_nothing(web, web2, code):
    first = redeem(web, code).json()
    assert_refused(redeem(web2, code), 400, "invalid_grant")
    assert userinfo(first["access_token"]).status_code == 200
    assert refresh(web, first["refresh_token"]).status_code == 200


def test_tk_01_a_replay_long_after_is_still_a_replay(web, code):
    first = redeem(web, code).json()
    Grant.objects.update(expires=timezone.now() - timedelta(days=60), consumed=timezone.now() - timedelta(days=60))
    assert_refused(redeem(web, code), 400, "invalid_grant")
    assert_refused(refresh(web, first["refresh_token"]), 400, "invalid_grant")


# --- Bound to client, redirect URI, verifier ------------------------------------------------------------------


@pytest.mark.parametrize("thief", ["web2", "spa", "native"])
def test_tk_04_a_code_is_bound_to_its_client(web, web2, spa, native, code, thief):
    before = stored()
    assert_refused(redeem({"web2": web2, "spa": spa, "native": native}[thief], code), 400, "invalid_grant")
    assert stored() == before
    assert AuditEvent.objects.filter(kind="grant_refused").count() == 1
    assert redeem(web, code).status_code == 200


def test_tk_04_a_public_client_s_code_and_another_public_client_id(spa, native, alice, browser):
    code = browser.code(spa, alice)
    assert_refused(redeem(spa, code, client_id=native.id), 400, "invalid_grant")
    assert redeem(spa, code).status_code == 200


@pytest.mark.parametrize(
    "uri",
    [
        "https://rp1.test/other",
        "https://rp1.test/q?a=1&b=2",
        None,
        "",
        "https://rp1.test/cb/",
        "https://rp1.test/cb?x=1",
        "https://RP1.test/cb",
        "https://evil.test/",
        "x",
    ],
)
def test_tk_05_rfc6749_4_1_3_a_code_is_bound_to_its_redirect_uri(web, code, uri):
    before = stored()
    assert_refused(redeem(web, code, redirect_uri=uri), 400, "invalid_grant")
    assert stored() == before
    assert redeem(web, code).status_code == 200


def test_tk_05_what_was_left_out_before_may_be_left_out_again(spa, alice, browser):
    code = browser.code(spa, alice, redirect_uri=None, scope="orders:read")
    assert_refused(redeem(spa, code, redirect_uri="https://evil.test"), 400, "invalid_grant")
    assert redeem(spa, code, redirect_uri=None).status_code == 200


@pytest.mark.parametrize(
    ("verifier", "error"),
    [
        (None, "invalid_request"),
        ("", "invalid_request"),
        ("w" * 43, "invalid_grant"),
        (challenge(VERIFIER), "invalid_grant"),
        (VERIFIER[:42], "invalid_grant"),
        (VERIFIER + "x" * 80, "invalid_grant"),
        (VERIFIER[:-1] + "!", "invalid_grant"),
        (VERIFIER[:-1] + "é", "invalid_grant"),
        (VERIFIER + "\n", "invalid_grant"),
        (VERIFIER + " ", "invalid_grant"),
        (VERIFIER.upper(), "invalid_grant"),
    ],
)
@pytest.mark.parametrize("public", [False, True])
def test_tk_06_rfc7636_4_6_a_code_is_bound_to_its_verifier(web, spa, alice, browser, verifier, error, public):
    app = spa if public else web
    code = browser.code(app, alice)
    before = stored()
    assert_refused(redeem(app, code, code_verifier=verifier), 400, error)
    assert stored() == before
    assert redeem(app, code).status_code == 200


@pytest.mark.parametrize("length", [43, 128])
def test_tk_06_rfc7636_4_1_the_shortest_and_the_longest_verifier(web, alice, browser, length):
    verifier = secret("~" * length)
    code = browser.code(web, alice, code_challenge=challenge(verifier))
    assert redeem(web, code, code_verifier=verifier).status_code == 200


def test_tk_06_a_one_character_verifier_is_refused_though_it_matches(web, alice, browser):
    code = browser.code(web, alice, code_challenge=challenge("x"))
    assert_refused(redeem(web, code, code_verifier="x"), 400, "invalid_grant")


# --- What a code stands on ------------------------------------------------------------------------------------


def _expire(alice, web, browser):
    Grant.objects.update(expires=timezone.now() - timedelta(seconds=1))


def _disable_user(alice, web, browser):
    User.objects.filter(pk=alice.pk).update(is_active=False)


def _end_session(alice, web, browser):
    end_session(browser.sid, reason="test")


def _withdraw(alice, web, browser):
    withdraw(Authorization.objects.get().pk, reason="test")


def _raise_user_epoch(alice, web, browser):
    end_all_of_user(alice.pk, reason="test")


def _raise_application_epoch(alice, web, browser):
    end_all_of_application(web.id, reason="test")


@pytest.mark.parametrize(
    "act", [_expire, _disable_user, _end_session, _withdraw, _raise_user_epoch, _raise_application_epoch]
)
def test_tk_08_tk_09_a_code_falls_with_what_it_stands_on(web, alice, browser, code, act):
    act(alice, web, browser)
    before = stored()
    assert_refused(redeem(web, code), 400, "invalid_grant")
    assert stored() == before


def test_tk_08_a_code_lives_for_a_minute(web, code, monkeypatch):
    later = timezone.now() + timedelta(seconds=61)
    monkeypatch.setattr("authcenter.oauth.grants.authorization_code.timezone.now", lambda: later)
    assert_refused(redeem(web, code), 400, "invalid_grant")


@pytest.mark.parametrize("what", [User, Session, Authorization])
def test_tk_09_a_code_of_somebody_deleted(web, alice, code, what):
    what.objects.all().delete()
    assert_refused(redeem(web, code), 400, "invalid_grant")


def test_a_disabled_application_redeems_nothing(web, code):
    Application.objects.filter(pk=web.row.pk).update(is_active=False)
    assert_refused(redeem(web, code), 401, "invalid_client")


@pytest.mark.parametrize("code", ["", "x", "\t", "é", "' OR 1=1--", "x" * 8000, "rt_x", "null"])
def test_an_unknown_code(web, code):
    before = stored()
    assert_refused(redeem(web, code), 400, "invalid_request" if code == "" else "invalid_grant")
    assert stored() == before


def test_tk_41_a_client_without_the_grant(web, code):
    Application.objects.filter(pk=web.row.pk).update(grant_types=["refresh_token"])
    assert_refused(redeem(web, code), 400, "unauthorized_client")
    assert AuditEvent.objects.get(kind="grant_refused").detail["error"] == "unauthorized_client"


# --- Parameters that must not matter (base-libraries 2.0, M4, M14) ---------------------------------------------


def test_m4_a_nonce_in_the_token_request_is_not_believed(web, alice, browser):
    code = browser.code(web, alice, nonce=None)
    assert "nonce" not in claims(redeem(web, code, nonce="planted").json()["id_token"])


def test_m14_the_client_does_not_choose_its_refresh_token(web, code):
    got = redeem(web, code, refresh_token="chosen", access_token="chosen", id_token="chosen").json()
    assert "chosen" not in {got["refresh_token"], got["access_token"], got["id_token"]}


@pytest.mark.parametrize(
    "name",
    [
        "user", "client", "scopes", "extra_credentials", "_grounds", "_code", "_family", "_successor", "_http",
        "_resources", "_parameters", "_application", "_consent", "response_type", "expires_in", "claims", "headers",
        "using_default_redirect_uri", "state", "uri", "body", "scope", "sub", "grounds", "decoded_body", "token",
    ],
)  # fmt: skip
def test_every_parameter_becomes_an_attribute_and_none_of_them_matters(web, alice, code, name):
    got = redeem(web, code, **{name: "planted"})
    assert got.status_code == 200, got.content
    assert got.json()["scope"] == "openid orders:read"
    assert claims(got.json()["access_token"])["sub"] == str(alice.pk)
    assert "planted" not in got.content.decode()


def test_tk_41_the_scope_of_a_code_exchange_cannot_widen(web, code):
    got = redeem(web, code, scope="openid orders:read orders:write email").json()
    assert got["scope"] == "openid orders:read"


# --- Resources (RFC 8707) -------------------------------------------------------------------------------------


def test_rfc8707_2_2_a_token_request_narrows_the_audience_and_the_family_keeps_it_all(web, alice, browser):
    got = tokens(web, alice, browser, scope="openid orders:read")
    assert claims(got["access_token"])["aud"] == [settings.OWN_API, "https://orders.test/"]
    got = redeem(web, browser.code(web, alice, scope="openid orders:read"), resource=settings.OWN_API).json()
    assert claims(got["access_token"])["aud"] == settings.OWN_API and got["scope"] == "openid"
    got = refresh(web, got["refresh_token"]).json()
    assert claims(got["access_token"])["aud"] == [settings.OWN_API, "https://orders.test/"]
    assert got["scope"] == "openid orders:read"


def test_rfc8707_2_1_the_audience_is_what_was_asked_for(web, alice, browser):
    got = tokens(web, alice, browser, scope="openid orders:read", resource="https://orders.test/")
    assert claims(got["access_token"])["aud"] == "https://orders.test/"
    assert refresh(web, got["refresh_token"]).json()["scope"] == "openid orders:read"


@pytest.mark.parametrize("resource", ["https://nowhere.test/", "https://stock.test/", settings.OWN_API, "x"])
def test_rfc8707_2_2_a_token_request_widens_nothing_and_consumes_nothing(web, stock, alice, browser, resource):
    code = browser.code(web, alice, scope="openid orders:read", resource="https://orders.test/")
    before = stored()
    assert_refused(redeem(web, code, resource=resource), 400, "invalid_target")
    assert stored() == before
    assert redeem(web, code).status_code == 200


def test_a_token_for_one_api_carries_no_scope_of_another(stock, orders, alice, browser):
    app = made("web", "Both", ["orders:read", "stock:read"], redirect_uris="https://both.test/cb")
    got = tokens(app, alice, browser, scope="openid orders:read stock:read", resource="https://stock.test/")
    assert got["scope"] == "openid stock:read"
    assert claims(got["access_token"])["aud"] == "https://stock.test/"


def test_a_scope_that_was_taken_away_meanwhile_is_not_minted(web, code):
    web.row.scopes.clear()
    assert redeem(web, code).json()["scope"] == "openid"


def test_an_api_that_was_disabled_meanwhile_is_no_audience(web, code):
    API.objects.filter(identifier="https://orders.test/").update(is_active=False)
    assert claims(redeem(web, code).json()["access_token"])["aud"] == settings.OWN_API


def test_a_failure_while_minting_leaves_nothing(web, code, monkeypatch):
    """An exception rolls back: the code is not spent and no family is there."""
    before = stored()

    def broken(*args, **kwargs):
        raise LookupError("no key")

    monkeypatch.setattr("authcenter.oauth.id_token.ring.sign", broken)
    with pytest.raises(LookupError):
        redeem(web, code)
    monkeypatch.undo()
    assert stored() == before
    assert redeem(web, code).status_code == 200


def test_access_tokens_never_outlive_the_revocations_kept(web, alice, browser):
    Application.objects.filter(pk=web.row.pk).update(access_token_seconds=10**7)
    got = tokens(web, alice, browser)
    assert got["expires_in"] == 86_400
    web.row.access_token_seconds = 10**7
    with pytest.raises(Exception, match="At most a day"):
        web.row.full_clean()


def test_the_whole_form_by_a_stranger_without_credentials(web, code):
    before = stored()
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": web.redirect_uri,
        "code_verifier": VERIFIER,
    }
    assert_refused(post("/oauth/token", form), 401, "invalid_client")
    assert_refused(post("/oauth/token", {**form, "client_id": web.id}), 401, "invalid_client")
    assert stored() == before
    assert as_app(web, "/oauth/token", form).status_code == 200
