"""What an application may ask of a sign-in: two factors, `acr_values`, an essential `acr`; step-up, forced set-up."""

import json

import pytest

from accounts.sign_in import ACR_ONE, ACR_PASSKEY, ACR_TWO
from authcenter.sessions.models import Session
from tests.accounts.factors import AuthenticatorApp, recovery_codes, set_up
from tests.oauth import devices
from tests.oauth.flow import Browser, answer, claims, redeem, refresh, tokens, userinfo

pytestmark = pytest.mark.usefixtures("one_step")
STEP_UP, SET_UP = "/accounts/2fa/again/", "/accounts/2fa/set-up/"


def essential(*values):
    return json.dumps({"id_token": {"acr": {"essential": True, "values": list(values)}}})


@pytest.fixture
def weak(alice, browser):
    """She has an app, and this browser's sign-in is one of a password alone, as in a browser that she trusts."""
    return browser.enter(alice)


@pytest.fixture
def app(alice):
    other = Browser().enter(alice)
    return set_up(other.http)


def redeemed(web, browser):
    response = redeem(web, answer(browser.left_to)["code"])
    assert response.status_code == 200, response.content
    return response.json()


def stepped_up(browser, app, steps=0):
    assert browser.at.startswith(STEP_UP), browser.at
    return browser.submit("code", code=app.code(steps))


@pytest.mark.parametrize("ask", ["its policy", "acr_values", "essential"])
def test_somebody_with_a_factor_is_asked_for_it_and_comes_back(web, alice, app, weak, ask):
    changes = {
        "its policy": {},
        "acr_values": {"acr_values": f"urn:example:gold {ACR_TWO}"},
        "essential": {"claims": essential(ACR_TWO)},
    }[ask]
    if ask == "its policy":
        web.row.second_factor = True
        web.row.save()
    weak.ask(web, **changes)
    assert web.row.name in weak.page.content.decode()  # who asks for it
    got = redeemed(web, stepped_up(weak, app).allow())
    told = claims(got["id_token"])
    assert told["acr"] == ACR_TWO and told["amr"] == ["pwd", "otp", "mfa"]
    session = Session.objects.get(pk=weak.sid)
    assert session.acr == ACR_TWO and told["auth_time"] == int(session.auth_time.timestamp())
    assert claims(got["access_token"])["acr"] == ACR_TWO
    again = refresh(web, got["refresh_token"]).json()
    assert claims(again["id_token"])["acr"] == ACR_TWO
    weak.ask(web, **changes)
    assert weak.left_to  # and is not asked again


def test_core_3_1_2_1_acr_values_are_a_wish_and_no_condition(web, alice, browser):
    """OpenID Connect Core section 3.1.2.1: `acr` is requested as a voluntary claim."""
    for values in (ACR_TWO, ACR_PASSKEY, "urn:example:gold", "\t x "):
        assert claims(tokens(web, alice, browser, acr_values=values)["id_token"])["acr"] == ACR_ONE


def test_core_5_5_1_1_a_stronger_sign_in_is_told_as_what_was_asked_for(web, alice, app, weak):
    """OpenID Connect Core section 5.5.1.1: the server MUST return an `acr` that matches one of the values."""
    weak.ask(web, acr_values=ACR_TWO)
    redeemed(web, stepped_up(weak, app).allow())
    for asked, told in ((ACR_ONE, ACR_ONE), (ACR_TWO, ACR_TWO)):
        weak.ask(web, claims=essential(asked, "urn:example:gold"))
        assert claims(redeemed(web, weak)["id_token"])["acr"] == told


def test_core_5_5_1_1_what_nobody_can_reach_is_an_error(web, alice, app, weak):
    weak.ask(web, claims=essential("urn:example:gold"))
    assert answer(weak.left_to)["error"] == "unmet_authentication_requirements"
    weak.ask(web, claims=essential(ACR_PASSKEY))  # she has no passkey
    assert answer(weak.left_to)["error"] == "unmet_authentication_requirements"


def test_prompt_none_never_steps_up(web, alice, app, weak):
    """OpenID Connect Core section 3.1.2.6."""
    web.row.second_factor = True
    web.row.save()
    response = weak.authorize(web, prompt="none")
    assert answer(response["Location"])["error"] == "login_required"


def test_prompt_none_where_a_factor_has_to_be_set_up(web, alice, browser):
    web.row.second_factor = True
    web.row.save()
    response = browser.enter(alice).authorize(web, prompt="none")
    assert answer(response["Location"])["error"] == "interaction_required"


def test_prompt_none_with_a_wish_goes_on_without(web, alice, app, weak):
    weak.code(web, alice)
    response = weak.authorize(web, prompt="none", acr_values=ACR_TWO)
    assert "code" in answer(response["Location"])


def test_who_has_no_factor_sets_one_up_on_the_way_and_comes_back(web, alice, browser):
    web.row.second_factor = True
    web.row.save()
    browser.ask(web).sign_in(alice)
    assert browser.at.startswith(SET_UP) and web.row.name in browser.page.content.decode()
    app = AuthenticatorApp(browser.page)
    browser.submit("code", code=app.code())
    page = browser.submit("make", press="make").page
    assert len(recovery_codes(page)) == 10
    got = redeemed(web, browser.submit("done", press="done").allow())
    assert claims(got["id_token"])["acr"] == ACR_TWO
    assert userinfo(got["access_token"]).status_code == 200


def test_leaving_the_set_up_gets_no_code(web, alice, browser):
    web.row.second_factor = True
    web.row.save()
    browser.ask(web).sign_in(alice)
    browser.ask(web)
    assert browser.at.startswith(SET_UP) and not browser.left_to


def test_prompt_login_takes_the_factor_and_no_password_from_a_weak_sign_in(web, alice, app, weak):
    weak.ask(web, prompt="login")
    got = redeemed(web, stepped_up(weak, app).allow())
    assert claims(got["id_token"])["acr"] == ACR_TWO


def test_a_device_for_an_application_with_two_factors_waits_for_them(kiosk, alice, app, weak):
    kiosk.row.second_factor = True
    kiosk.row.save()
    device = devices.start(kiosk)
    devices.type_in(weak, device.user_code)
    stepped_up(weak, app).allow()
    got = device.poll().json()
    assert claims(got["id_token"])["acr"] == ACR_TWO


def test_discovery_names_the_classes(client):
    told = client.get("/.well-known/openid-configuration").json()
    assert told["acr_values_supported"] == [ACR_ONE, ACR_TWO, ACR_PASSKEY]
