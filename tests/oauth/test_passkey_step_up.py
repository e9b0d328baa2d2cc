"""An application asks for a passkey (`acr` phr): at the sign-in, and of somebody who is signed in with less."""

import json

import pytest

from tests.authenticator import PRESENT, Authenticator
from tests.oauth.flow import Browser, answer, claims, redeem

_ADD = "/account/security/passkeys/add/"
PHR = json.dumps({"id_token": {"acr": {"essential": True, "value": "phr"}}})


@pytest.fixture
def passkey(alice):
    return added(Browser().enter(alice), Authenticator())


def added(browser, passkey):
    browser.open(_ADD)
    browser.submit("credential", credential=passkey.create(browser.get(f"{_ADD}options/").json()))
    assert browser.at.endswith("/name/"), browser.page.content
    return passkey


def used(browser, passkey):
    form = browser.form("credential")
    return browser.submit("credential", credential=passkey.get(browser.get(f"{form.action}options/").json()))


def id_token(browser, app):
    if not browser.left_to:
        browser.allow()
    return claims(redeem(app, answer(browser.left_to)["code"]).json()["id_token"])


@pytest.mark.parametrize("asked", [{"acr_values": "phr"}, {"claims": PHR}])
def test_who_signed_in_with_less_shows_her_passkey(web, alice, passkey, asked):
    browser = Browser().enter(alice).ask(web, **asked)
    assert browser.at.startswith("/accounts/2fa/again/") and "way=webauthn" in browser.at
    told = id_token(used(browser, passkey), web)
    assert told["acr"] == "phr" and {"pop", "mfa"} <= set(told["amr"])


def test_a_passkey_signs_in_on_the_way_to_an_application(web, alice, passkey):
    browser = used(Browser().ask(web, claims=PHR), passkey)
    assert id_token(browser, web)["acr"] == "phr"


def test_a_key_that_verifies_nobody_does_not_pass_for_a_passkey(web, alice):
    key = added(Browser().enter(alice), Authenticator(flags=PRESENT, resident=False, transports=("usb",)))
    browser = Browser().ask(web, claims=PHR).sign_in(alice)
    used(browser, key)
    assert answer(browser.left_to)["error"] == "unmet_authentication_requirements"
