"""The `claims` parameter (OpenID Connect Core section 5.5), and what else asks for a certain person or sign-in."""

import json

import pytest

from accounts.languages import ASKED_COOKIE
from accounts.sign_in import ACR_ONE
from authcenter.oauth.models import Authorization
from tests.oauth.flow import answer, claims, refresh, tokens, userinfo


def asking(**targets):
    return json.dumps(targets)


def redeemed(web, browser):
    from tests.oauth.flow import redeem

    response = redeem(web, answer(browser.left_to)["code"])
    assert response.status_code == 200, response.content
    return response.json()


def test_core_5_5_each_claim_where_it_was_asked_for(web, alice, browser):
    wanted = asking(userinfo={"email": None, "nickname": {"essential": True}}, id_token={"given_name": None})
    browser.ask(web, claims=wanted).sign_in(alice)
    assert "See your given name" in browser.page.content.decode() and "e-mail address" in browser.page.content.decode()
    got = redeemed(web, browser.allow())
    said = userinfo(got["access_token"]).json()
    assert said == {"sub": str(alice.pk), "email": alice.email}  # she has no nickname, and essential is no error
    told = claims(got["id_token"])
    assert told["given_name"] == "Alice" and "email" not in told and "name" not in told
    again = refresh(web, got["refresh_token"]).json()
    assert userinfo(again["access_token"]).json() == said
    assert Authorization.objects.get().claims == ["email", "nickname", "given_name"]


def test_core_5_5_claims_are_asked_for_once_and_consented_to(web, alice, browser):
    browser.ask(web).sign_in(alice).allow()
    browser.ask(web, claims=asking(userinfo={"email": None}))
    browser.form("allow")  # what is new is asked
    browser.allow()
    assert browser.ask(web, claims=asking(userinfo={"email": None})).left_to
    response = browser.authorize(web, claims=asking(id_token={"name": None}), prompt="none")
    assert answer(response["Location"])["error"] == "consent_required"


def test_core_5_5_claims_of_scopes_that_the_application_may_not_have_are_ignored(web, alice, browser):
    web.row.identity_scopes = ["openid", "email"]
    web.row.save()
    wanted = asking(userinfo={"name": {"essential": True}, "email": None, "nonsense": None, "is_staff": None})
    got = tokens(web, alice, browser, claims=wanted)
    assert userinfo(got["access_token"]).json() == {"sub": str(alice.pk), "email": alice.email}


@pytest.mark.parametrize(
    "wanted",
    ["{", "[]", "1", "null", "x", '{"userinfo":[]}', '{"id_token":{"email":1}}', '{"userinfo":' * 500, "[" * 8000],
)
def test_core_5_5_what_is_no_claims_request_is_refused(web, browser, wanted):
    assert answer(browser.authorize(web, claims=wanted)["Location"])["error"] == "invalid_request"


@pytest.mark.parametrize("wanted", ["{}", '{"userinfo":{}}', '{"future":1}', '{"userinfo":{"x#y":{"z":1}}}'])
def test_core_5_5_members_that_are_not_understood_are_ignored(web, alice, browser, wanted):
    assert tokens(web, alice, browser, claims=wanted)


def test_core_5_5_1_a_certain_subject_or_nobody(web, alice, bob, browser):
    right = asking(id_token={"sub": {"value": str(alice.pk)}})
    assert tokens(web, alice, browser, claims=right)
    wrong = asking(id_token={"sub": {"value": str(bob.pk)}})
    assert answer(browser.authorize(web, claims=wrong)["Location"])["error"] == "login_required"


def test_core_5_5_1_1_an_essential_class_that_was_not_reached_is_an_error(web, alice, browser):
    browser.enter(alice)
    never = asking(id_token={"acr": {"essential": True, "values": ["urn:example:gold"]}})
    told = answer(browser.authorize(web, claims=never)["Location"])
    assert told["error"] == "unmet_authentication_requirements"
    reached = asking(id_token={"acr": {"essential": True, "values": ["urn:example:gold", ACR_ONE]}})
    assert claims(tokens(web, alice, browser, claims=reached)["id_token"])["acr"] == ACR_ONE


@pytest.mark.parametrize("changes", [{"acr_values": "urn:example:gold"}, {"display": "popup"}, {"ui_locales": "fr xx"}])
def test_core_3_1_2_1_what_is_only_wished_for_stops_nothing(web, alice, browser, changes):
    assert claims(tokens(web, alice, browser, **changes)["id_token"])["acr"] == ACR_ONE


def test_core_3_1_2_1_ui_locales_chooses_the_first_known_language(web, browser):
    response = browser.authorize(web, ui_locales="tlh en-GB")
    assert response.cookies[ASKED_COOKIE].value == "en"
    assert not browser.authorize(web, ui_locales="tlh").cookies[ASKED_COOKIE].value


def test_registration_2_default_max_age_stands_in_for_max_age(web, alice, browser):
    web.row.default_max_age = 0
    web.row.save()
    browser.enter(alice)
    assert answer(browser.authorize(web, prompt="none")["Location"])["error"] == "login_required"
    assert answer(browser.authorize(web, prompt="none", max_age="1000")["Location"])["error"] == "consent_required"


def test_core_5_3_2_userinfo_is_signed_for_who_registered_for_that(web, alice, browser):
    web.row.userinfo_signed_response_alg = "RS256"
    web.row.save()
    response = userinfo(tokens(web, alice, browser, scope="openid email")["access_token"])
    assert response.status_code == 200 and response["Content-Type"] == "application/jwt"
    assert "no-store" in response["Cache-Control"]
    token = response.content.decode()
    assert claims(token, 0)["alg"] == "RS256" and claims(token, 0)["typ"] == "userinfo+jwt"
    said = claims(token)
    assert said["aud"] == web.id and said["sub"] == str(alice.pk) and said["email"] == alice.email
    assert answer(browser.authorize(web, id_token_hint=token)["Location"])["error"] == "invalid_request"
