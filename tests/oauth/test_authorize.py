"""/oauth/authorize: faults that redirect, who is there, since when, and what the code's tokens say of it."""

import base64
import hashlib
import re
import time
from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from django.utils.http import urlencode

from accounts.models import User
from authcenter.audit.models import AuditEvent
from authcenter.oauth.models import Application, Grant
from authcenter.oauth.registration import hashed
from authcenter.sessions.models import Session
from tests.oauth.flow import (
    HOST,
    PASSWORD,
    VERIFIER,
    Browser,
    answer,
    assert_page,
    assert_redirect,
    challenge,
    claims,
    redeem,
    stored,
    tokens,
)

REFUSED = {
    "az_24_rfc7636_4_4_1_no_challenge": ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
    "az_24_method_without_challenge": ({"code_challenge": None}, "invalid_request"),
    "az_24_empty_challenge": ({"code_challenge": ""}, "invalid_request"),
    "az_25_plain": ({"code_challenge_method": "plain"}, "invalid_request"),
    "az_25_plain_by_default": ({"code_challenge_method": None}, "invalid_request"),
    "az_25_unknown_method": ({"code_challenge_method": "S512"}, "invalid_request"),
    "az_25_lower_case_method": ({"code_challenge_method": "s256"}, "invalid_request"),
    "az_27_short_challenge": ({"code_challenge": "abc"}, "invalid_request"),
    "az_27_rfc7636_4_2_challenge_of_42": ({"code_challenge": challenge(VERIFIER)[:42]}, "invalid_request"),
    "az_27_challenge_of_44": ({"code_challenge": challenge(VERIFIER) + "A"}, "invalid_request"),
    "az_27_padding": ({"code_challenge": challenge(VERIFIER)[:42] + "="}, "invalid_request"),
    "az_27_plus": ({"code_challenge": challenge(VERIFIER)[:42] + "+"}, "invalid_request"),
    "az_27_slash": ({"code_challenge": challenge(VERIFIER)[:42] + "/"}, "invalid_request"),
    "az_27_newline_at_the_end": ({"code_challenge": challenge(VERIFIER) + "\n"}, "invalid_request"),
    "az_33_token": ({"response_type": "token"}, "unsupported_response_type"),
    "az_33_id_token": ({"response_type": "id_token"}, "unsupported_response_type"),
    "az_33_id_token_token": ({"response_type": "id_token token"}, "unsupported_response_type"),
    "az_33_code_token": ({"response_type": "code token"}, "unsupported_response_type"),
    "az_33_code_id_token": ({"response_type": "code id_token"}, "unsupported_response_type"),
    "az_33_none": ({"response_type": "none"}, "unsupported_response_type"),
    "az_33_upper_case": ({"response_type": "CODE"}, "unsupported_response_type"),
    "az_33_blank_after": ({"response_type": "code "}, "unsupported_response_type"),
    "rfc6749_4_1_2_1_missing_response_type": ({"response_type": None}, "invalid_request"),
    "az_34_bogus": ({"response_mode": "bogus"}, "invalid_request"),
    "az_34_web_message": ({"response_mode": "web_message"}, "invalid_request"),
    "az_34_query_jwt": ({"response_mode": "query.jwt"}, "invalid_request"),
    "az_40_none_login": ({"prompt": "none login"}, "invalid_request"),
    "az_40_none_consent": ({"prompt": "consent none"}, "invalid_request"),
    "az_40_unknown_prompt": ({"prompt": "bogus"}, "invalid_request"),
    "az_42_max_age_letters": ({"max_age": "abc"}, "invalid_request"),
    "az_42_max_age_negative": ({"max_age": "-1"}, "invalid_request"),
    "az_42_max_age_float": ({"max_age": "1e999"}, "invalid_request"),
    "az_42_max_age_newline": ({"max_age": "10\n"}, "invalid_request"),
    "az_42_max_age_other_digits": ({"max_age": "١٢"}, "invalid_request"),
    "az_45_garbage_hint": ({"id_token_hint": "garbage"}, "invalid_request"),
    "az_45_hint_alg_none": (
        {"id_token_hint": "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJ4In0."},
        "invalid_request",
    ),
    "az_56_response_type_twice": ({"response_type": ["code", "code"]}, "invalid_request"),
    "az_56_scope_twice": ({"scope": ["openid", "openid"]}, "invalid_request"),
    "az_56_nonce_twice": ({"nonce": ["a", "b"]}, "invalid_request"),
    "az_56_prompt_twice": ({"prompt": ["none", "login"]}, "invalid_request"),
    "az_56_challenge_twice": ({"code_challenge": [challenge(VERIFIER)] * 2}, "invalid_request"),
    "az_64_unknown_scope": ({"scope": "openid nonsense"}, "invalid_scope"),
    "az_64_scope_of_another": ({"scope": "openid stock:read"}, "invalid_scope"),
    "az_64_missing_scope": ({"scope": None}, "invalid_scope"),
    "az_64_tab": ({"scope": "openid\tprofile"}, "invalid_scope"),
    "az_64_newline": ({"scope": "openid\nprofile"}, "invalid_scope"),
    "az_64_no_break_space": ({"scope": "openid\u00a0profile"}, "invalid_scope"),
    "az_64_upper_case": ({"scope": "OPENID"}, "invalid_scope"),
    "az_64_two_blanks": ({"scope": "openid  profile"}, "invalid_scope"),
    "az_66_unsigned_request_object": ({"request": "eyJhbGciOiJub25lIn0.eyJzY29wZSI6IngifQ."}, "request_not_supported"),
    "az_66_garbage_request_object": ({"request": "garbage"}, "request_not_supported"),
    "az_67_request_uri_loopback": ({"request_uri": "http://127.0.0.1:9/"}, "request_uri_not_supported"),
    "az_67_request_uri_metadata": ({"request_uri": "http://169.254.169.254/"}, "request_uri_not_supported"),
    "az_67_request_uri_file": ({"request_uri": "file:///etc/passwd"}, "request_uri_not_supported"),
    "core_3_1_2_6_registration": ({"registration": "{}"}, "registration_not_supported"),
    "rfc8707_2_unknown_resource": ({"resource": "https://nowhere.test"}, "invalid_target"),
    "rfc8707_2_one_of_two_unknown": (
        {"scope": "orders:read", "resource": ["https://orders.test/", "https://nowhere.test"]},
        "invalid_target",
    ),
    "rfc8707_2_fragment": ({"resource": "https://orders.test/#x"}, "invalid_target"),
    "rfc8707_2_no_scope_for_the_resource": (
        {"scope": "orders:read", "resource": settings.OWN_API},
        "invalid_scope",
    ),
}


@pytest.mark.parametrize(("changes", "error"), REFUSED.values(), ids=REFUSED.keys())
@pytest.mark.parametrize("signed_in", [False, True], ids=["stranger", "signed_in"])
def test_refused_with_a_redirect(web, stock, alice, browser, changes, error, signed_in):
    if signed_in:
        browser.sign_in(alice)
    before = stored()
    response = browser.authorize(web, **{"state": "s-%&=é", **changes})
    assert_redirect(response, web, error, state="s-%&=é")
    assert stored() == before
    event = AuditEvent.objects.get(kind="authorization_refused")
    assert event.client_id == web.id and event.detail["error"] == error


@pytest.mark.parametrize("public", [True, False])
def test_az_24_pkce_is_required_of_public_and_confidential_applications(web, spa, browser, public):
    app = spa if public else web
    response = browser.authorize(app, code_challenge=None, code_challenge_method=None, state="s")
    assert_redirect(response, app, "invalid_request", state="s")


def test_az_24_a_public_application_needs_pkce_whatever_its_row_says(spa, browser):
    Application.objects.filter(pk=spa.row.pk).update(require_pkce=False)
    assert_redirect(browser.authorize(spa, code_challenge=None, code_challenge_method=None), spa, "invalid_request")


def test_az_24_an_operator_may_lift_pkce_for_one_confidential_application(web, alice, browser):
    Application.objects.filter(pk=web.row.pk).update(require_pkce=False)
    code = browser.code(web, alice, code_challenge=None, code_challenge_method=None)
    assert redeem(web, code, code_verifier=VERIFIER).status_code == 400  # RFC 9700 section 2.1.1: stripped challenge
    assert redeem(web, code, code_verifier=None).status_code == 200
    assert_redirect(browser.authorize(web, code_challenge_method="plain"), web, "invalid_request")


def test_rfc6749_4_1_2_1_an_application_without_the_grant_is_unauthorized(web, browser):
    Application.objects.filter(pk=web.row.pk).update(grant_types=["client_credentials"])
    assert_redirect(browser.authorize(web, state="s"), web, "unauthorized_client", state="s")


# --- iss, state, caching --------------------------------------------------------------------------------------


def test_az_30_rfc9207_2_iss_in_a_success(web, alice, browser):
    browser.ask(web, state="s").sign_in(alice).allow()
    told = answer(browser.left_to)  # would fail on a parameter that comes twice
    assert told.keys() == {"code", "state", "iss"} and told["iss"] == settings.ISSUER and told["state"] == "s"
    assert "no-store" in browser.page["Cache-Control"]


def test_az_30_no_state_is_sent_where_none_came(web, alice, browser):
    browser.ask(web, state=None).sign_in(alice).allow()
    assert answer(browser.left_to).keys() == {"code", "iss"}
    assert "state" not in assert_redirect(browser.authorize(web, state=None, scope="nonsense"), web, "invalid_scope")


def test_az_60_long_state_and_nonce_are_kept_to_the_letter(web, alice, browser):
    state, nonce = "s" * 512, "n" * 64
    code = browser.code(web, alice, state=state, nonce=nonce)
    assert answer(browser.left_to)["state"] == state
    assert claims(redeem(web, code).json()["id_token"])["nonce"] == nonce


def test_az_59_a_state_beyond_ascii_comes_back(web, alice, browser):
    browser.ask(web, state="ключ 🔑 \\ \"'<>&+").sign_in(alice).allow()
    assert answer(browser.left_to)["state"] == "ключ 🔑 \\ \"'<>&+"


def test_az_62_unknown_parameters_are_ignored_and_not_echoed(web, alice, browser):
    browser.ask(web, foo="bar", utm_source="x", approval_prompt="auto", _consent="1", user="1").sign_in(alice).allow()
    assert answer(browser.left_to).keys() == {"code", "state", "iss"}


def test_az_47_approval_prompt_skips_nothing(web, alice, browser):
    browser.ask(web, approval_prompt="auto").sign_in(alice)
    assert not browser.left_to and browser.form("allow")


def test_az_56_client_id_or_redirect_uri_twice_is_a_page(web, browser):
    assert_page(browser.authorize(web, client_id=[web.id, web.id]))
    assert_page(browser.authorize(web, redirect_uri=[web.redirect_uri, web.redirect_uri]))
    assert_page(browser.authorize(web, redirect_uri=[web.redirect_uri, "https://evil.test"]))


def test_az_56_state_twice(web, browser):
    assert_redirect(browser.authorize(web, state=["a", "b"]), web, "invalid_request")


def test_rfc6749_3_1_an_empty_parameter_is_as_if_omitted(web, alice, browser):
    browser.ask(web, prompt="", max_age="", login_hint="", nonce="", response_mode="").sign_in(alice).allow()
    assert answer(browser.left_to)["code"]


def test_response_mode_query_may_be_named(web, alice, browser):
    assert browser.code(web, alice, response_mode="query")


# --- Who the client is ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("client_id", ["nobody", "x" * 300, "é", "a b", "\t", "' OR 1=1--", None, ""])
@pytest.mark.parametrize("method", ["get", "post"])
def test_az_63_unknown_client_is_one_and_the_same_page(web, browser, client_id, method):
    sent = urlencode(web.request(client_id=client_id))
    if method == "get":
        response = browser.get(f"/oauth/authorize?{sent}")
    else:
        response = browser.http.post("/oauth/authorize", sent, content_type="application/x-www-form-urlencoded")
        assert response.status_code == 303
        response = browser.get(response["Location"])
    assert_page(response)


def test_az_63_a_disabled_application_looks_like_an_unknown_one(web, browser):
    unknown = browser.authorize(web, client_id="nobody")
    Application.objects.filter(pk=web.row.pk).update(is_active=False)
    disabled = browser.authorize(web)
    assert_page(disabled)
    assert _without_chance(unknown) == _without_chance(disabled)


def _without_chance(page):
    """What differs each time: the request's id, and what the menus' forms carry, which is the request's own address."""
    text = page.content.decode().replace(page["X-Request-ID"], "")
    return re.sub(r'name="(csrfmiddlewaretoken|next)" value="[^"]*"', "", text)


@pytest.mark.parametrize("method", ["put", "delete", "patch", "trace", "head", "options"])
def test_az_65_other_methods(web, browser, method):
    before = stored()
    response = getattr(browser.http, method)("/oauth/authorize?" + urlencode(web.request()))
    assert response.status_code == 405 and stored() == before


@pytest.mark.parametrize("path", ["/oauth/authorize", "/accounts/login/"])
def test_az_65_a_method_override_is_ignored(web, browser, path):
    response = browser.get(path + "?" + urlencode(web.request()), **{"X-HTTP-Method-Override": "DELETE"})
    assert response.status_code != 405


def test_core_3_1_2_1_a_request_by_post_goes_on_as_a_get(web, alice, browser):
    """No cookie comes with a form from another site, so the answer is a redirect that brings it."""
    other = Client(HTTP_HOST=HOST, enforce_csrf_checks=True)
    sent = urlencode(web.request(state="s", resource="https://orders.test/", scope="openid orders:read"))
    response = other.post("/oauth/authorize", sent, content_type="application/x-www-form-urlencoded")
    assert response.status_code == 303 and not response.cookies
    browser.sign_in(alice)
    browser.open(response["Location"]).allow()
    assert answer(browser.left_to)["state"] == "s"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("{}", "application/json"),
        ("x", "text/plain"),
        ("", "multipart/form-data; boundary=x"),
        ("a=%zz", "application/x-www-form-urlencoded"),
        (b"a=\xff", "application/x-www-form-urlencoded"),
        ("a=" + "x" * 300_000, "application/x-www-form-urlencoded"),
    ],
)
def test_az_63_a_malformed_post_is_a_page(browser, db, body, kind):
    assert_page(browser.http.post("/oauth/authorize", body, content_type=kind))


def test_parameters_in_the_url_of_a_post_are_refused(web, browser):
    response = browser.http.post(
        "/oauth/authorize?client_id=x", urlencode(web.request()), content_type="application/x-www-form-urlencoded"
    )
    assert_page(response)


# --- Who is there ---------------------------------------------------------------------------------------------


def test_az_38_core_3_1_2_6_prompt_none_without_session(web, browser):
    assert_redirect(browser.authorize(web, prompt="none", state="s"), web, "login_required", state="s")


def test_az_39_core_3_1_2_6_prompt_none_without_consent(web, alice, browser):
    browser.sign_in(alice)
    assert_redirect(browser.authorize(web, prompt="none", state="s"), web, "consent_required", state="s")


def test_az_39_prompt_none_with_a_new_scope(web, alice, browser):
    browser.code(web, alice, scope="openid")
    assert_redirect(browser.authorize(web, prompt="none", scope="openid email"), web, "consent_required")
    told = answer(browser.authorize(web, prompt="none", scope="openid")["Location"])
    assert told["code"]


def test_az_39_prompt_none_with_a_new_resource(web, alice, browser):
    browser.code(web, alice, scope="openid orders:read")
    response = browser.authorize(web, prompt="none", scope="openid orders:read", resource="https://orders.test/")
    assert_redirect(response, web, "consent_required")


def test_az_39_prompt_none_after_withdrawal(web, alice, browser):
    from authcenter.oauth.withdrawal import withdraw

    browser.code(web, alice)
    withdraw(alice.authorizations.get().pk, reason="test")
    assert_redirect(browser.authorize(web, prompt="none"), web, "consent_required")


@pytest.mark.parametrize(
    "ending", ["session", "user", "disabled", "epoch", "password", "deleted_row", "idle", "expired"]
)
def test_az_38_an_ended_sign_in_is_no_sign_in(web, alice, browser, ending):
    from authcenter.sessions.revocation import end_all_of_user, end_session

    browser.code(web, alice)
    session = Session.objects.filter(pk=browser.sid)
    if ending == "session":
        end_session(browser.sid, reason="test")
    elif ending == "user":
        end_all_of_user(alice.pk, reason="test")
    elif ending == "disabled":
        User.objects.filter(pk=alice.pk).update(is_active=False)
    elif ending == "epoch":
        User.objects.filter(pk=alice.pk).update(epoch=7)
    elif ending == "password":
        alice.set_password("another long password")
        alice.save()
    elif ending == "deleted_row":
        session.delete()
    elif ending == "idle":
        session.update(last_seen=timezone.now() - timedelta(days=2), idle_seconds=86_400)
    else:
        session.update(expires=timezone.now() - timedelta(seconds=1))
    assert_redirect(browser.authorize(web, prompt="none"), web, "login_required")


@pytest.mark.parametrize("ending", ["password", "session", "other person"])
def test_what_was_asked_survives_a_sign_in_over_an_ended_one(web, alice, bob, browser, ending):
    """Django sweeps a session that another person or password signs in to; the request must not go with it."""
    from authcenter.sessions.revocation import end_session

    browser.code(web, alice)
    end_session(browser.sid, reason="test")
    person = bob if ending == "other person" else alice
    password = PASSWORD
    if ending == "password":
        password = "another long password"
        alice.set_password(password)
        alice.save()
    browser.ask(web, state="s", prompt="consent").sign_in(person, password)
    browser.allow()
    assert answer(browser.left_to)["state"] == "s"


def test_az_41_core_3_1_2_3_prompt_login_is_enforced(web, alice, browser):
    browser.code(web, alice)
    earlier = _move_sign_in(browser, -30)
    asked = time.time()
    browser.ask(web, prompt="login", state="s")
    assert browser.at.startswith("/accounts/reauthenticate") and not browser.left_to
    waiting = browser.form("password")
    # Going back by hand without having answered asks again.
    location = browser.get("/oauth/authorize?" + browser.at.split("authorize%3F")[1].replace("%3D", "="))["Location"]
    assert location.startswith("/accounts/reauthenticate")
    # A wrong password does not do.
    response = browser.post_form(waiting, password="wrong")
    assert response.status_code == 200
    browser.submit("password", password=PASSWORD)
    told = answer(browser.left_to)
    assert told["state"] == "s"
    said = claims(redeem(web, told["code"]).json()["id_token"])
    assert said["auth_time"] >= int(asked) > earlier


def test_az_41_prompt_login_with_consent(web, alice, browser):
    browser.sign_in(alice)
    browser.ask(web, prompt="login consent")
    browser.submit("password", password=PASSWORD)
    browser.allow()
    assert answer(browser.left_to)["code"]


def test_az_41_a_stranger_with_prompt_login_signs_in_once(web, alice, browser):
    browser.ask(web, prompt="login").sign_in(alice).allow()
    assert answer(browser.left_to)["code"]


def test_prompt_select_account_is_a_question(web, alice, browser):
    browser.code(web, alice)
    _move_sign_in(browser, -30)
    browser.ask(web, prompt="select_account")
    assert not browser.left_to


def test_az_42_core_3_1_2_1_max_age_asks_again(web, alice, browser):
    browser.code(web, alice)
    _move_sign_in(browser, -30)
    asked = time.time()
    browser.ask(web, max_age="10")
    assert browser.at.startswith("/accounts/reauthenticate")
    browser.submit("password", password=PASSWORD)
    said = claims(redeem(web, answer(browser.left_to)["code"]).json()["id_token"])
    assert said["auth_time"] >= int(asked)


def test_az_42_max_age_that_is_met_asks_nothing(web, alice, browser):
    browser.code(web, alice)
    earlier = _move_sign_in(browser, -30)
    browser.ask(web, max_age="1000")
    said = claims(redeem(web, answer(browser.left_to)["code"]).json()["id_token"])
    assert said["auth_time"] == earlier


def test_az_42_max_age_and_prompt_none(web, alice, browser):
    browser.code(web, alice)
    _move_sign_in(browser, -30)
    assert_redirect(browser.authorize(web, max_age="10", prompt="none"), web, "login_required")
    assert_redirect(browser.authorize(web, max_age="0", prompt="none"), web, "login_required")


def test_az_42_max_age_zero_asks_once_and_not_for_ever(web, alice, browser):
    browser.code(web, alice)
    browser.ask(web, max_age="0")
    browser.submit("password", password=PASSWORD)
    assert answer(browser.left_to)["code"]


def test_az_45_hint_of_another_person(web, alice, bob, browser):
    hint = tokens(web, bob)["id_token"]
    browser.code(web, alice)
    for prompt in ("none", None):
        assert_redirect(browser.authorize(web, id_token_hint=hint, prompt=prompt), web, "login_required")


def test_az_45_a_hint_never_signs_in(web, alice):
    hint = tokens(web, alice)["id_token"]
    assert_redirect(Browser().authorize(web, id_token_hint=hint, prompt="none"), web, "login_required")


def test_az_45_own_hint_is_good_even_when_old(web, alice, browser):
    hint = tokens(web, alice, browser)["id_token"]
    told = answer(browser.authorize(web, id_token_hint=hint, prompt="none")["Location"])
    assert told["code"]


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_az_45_jw_10_another_token_is_no_hint(web, alice, browser, kind):
    hint = tokens(web, alice, browser)[kind]
    assert_redirect(browser.authorize(web, id_token_hint=hint, prompt="none"), web, "invalid_request")


def test_az_45_hint_of_another_application(web, web2, alice, browser):
    hint = tokens(web2, alice, browser)["id_token"]
    assert_redirect(browser.authorize(web, id_token_hint=hint, prompt="none"), web, "invalid_request")


def test_login_hint_reaches_the_sign_in_page(web, browser):
    location = browser.authorize(web, login_hint="alice@example.test")["Location"]
    assert location.startswith("/accounts/login/?") and "alice%40example.test" in location


def test_a_waiting_request_belongs_to_its_browser(web, alice, browser):
    browser.ask(web)
    key = browser.at.split("txn%3D")[1]
    other = Browser().sign_in(alice)
    assert_page(other.get(f"/oauth/authorize?txn={key}"))
    assert_page(other.get(f"/oauth/consent?txn={key}"))


@pytest.mark.parametrize("key", ["x", "%00", "x" * 5000, "%ff", "../", "asked_at"])
def test_an_unknown_key_of_a_request_is_a_page(browser, db, key):
    assert_page(browser.get(f"/oauth/authorize?txn={key}"))
    assert_page(browser.get(f"/oauth/consent?txn={key}"))


def test_a_request_waits_an_hour_and_no_longer(web, alice, browser, monkeypatch):
    browser.ask(web)
    now = time.time()
    monkeypatch.setattr("authcenter.oauth.pending.time.time", lambda: now + 3700)
    browser.sign_in(alice)
    assert_page(browser.page)


def test_at_most_ten_requests_wait_in_a_browser(web, browser):
    for _n in range(15):
        browser.ask(web)
    assert len(browser.http.session["authorize"]) == 10


def test_a_code_is_kept_as_a_hash_and_for_a_minute(web, alice, browser):
    code = browser.code(web, alice)
    row = Grant.objects.get()
    assert row.code == hashed(code) and code not in str(vars(row))
    assert timedelta(seconds=50) < row.expires - timezone.now() <= timedelta(seconds=60)
    assert len(code) >= 22  # RFC 6749 section 10.10: 128 bits or more


def test_az_31_rfc8414_3_3_a_strange_host_is_refused(web, db):
    response = Client(HTTP_HOST="evil.test").get("/oauth/authorize?" + urlencode(web.request()))
    assert response.status_code == 400 and "Location" not in response


def test_jw_29_core_2_what_an_id_token_says(web, alice, browser):
    before = int(time.time())
    got = tokens(web, alice, browser, nonce="the nonce")
    said, header = claims(got["id_token"]), claims(got["id_token"], 0)
    assert header["alg"] == "RS256" and header["kid"]
    assert said["iss"] == settings.ISSUER and said["sub"] == str(alice.pk)
    assert said["aud"] == said["azp"] == web.id
    assert said["nonce"] == "the nonce"
    assert before <= said["auth_time"] <= said["iat"] < said["exp"] <= said["iat"] + 300
    assert said["amr"] == ["pwd"] and said["acr"]
    assert said["sid"] == browser.sid
    half = hashlib.sha256(got["access_token"].encode()).digest()[:16]
    assert said["at_hash"] == base64.urlsafe_b64encode(half).decode().rstrip("=")


def test_jw_29_no_nonce_where_none_was_sent(web, alice):
    assert "nonce" not in claims(tokens(web, alice, nonce=None)["id_token"])


def test_jw_29_the_algorithm_is_the_application_s(web, alice):
    Application.objects.filter(pk=web.row.pk).update(
        id_token_signed_response_alg="ES256", access_token_signed_response_alg="RS256"
    )
    got = tokens(web, alice)
    assert claims(got["id_token"], 0)["alg"] == "ES256" and claims(got["access_token"], 0)["alg"] == "RS256"


def test_jw_30_a_new_account_with_an_old_address_is_somebody_else(web, alice, browser):
    old = tokens(web, alice, browser)
    subject = claims(old["id_token"])["sub"]
    alice.delete()
    again = User.objects.create_user("alice@example.test", PASSWORD)
    again.emailaddress_set.create(email=again.email, verified=True, primary=True)
    other = Browser()
    other.ask(web).sign_in(again)
    assert other.form("allow"), "the consent of the deleted account is gone"
    other.allow()
    assert claims(redeem(web, answer(other.left_to)["code"]).json()["id_token"])["sub"] != subject


def _move_sign_in(browser, seconds):
    """Make this browser's sign-in older; its auth_time."""
    session = browser.http.session
    for entry in session["account_authentication_methods"]:
        entry["at"] += seconds
    session.save()
    return int(session["account_authentication_methods"][0]["at"])
