"""The main ways through the pages in a browser that runs no script."""

import re

import httpx
import pytest

from tests.pages.scene import PASSWORD
from tests.pages.visitor import PHONE

pytestmark = [pytest.mark.live, pytest.mark.browser]


@pytest.fixture
def page(new_page):
    return new_page(*PHONE, java_script_enabled=False)


def sign_in(page, scene, who):
    page.fill("input[name=login]", scene.made[who])
    page.fill("input[name=password]", scene.password(who))
    page.click("form:has(input[name=password]) button[type=submit]")


def test_to_sign_in_consent_and_sign_out(page, server, scene):
    page.goto(server.url + scene.asks("app"))
    sign_in(page, scene, "plain")
    page.click("button[name=deny]")
    page.wait_for_url(re.compile("error=access_denied.*state=s|state=s.*error=access_denied"))
    page.goto(server.url + scene.asks("app", "openid goods:0"))
    page.click("button[name=allow]")
    page.wait_for_url(re.compile(r"/rp/callback\?.*code="))
    page.goto(f"{server.url}/account/")
    page.click("header button:has-text('Sign out')")
    page.wait_for_url(f"{server.url}/accounts/login/")
    assert page.locator("input[name=password]").is_visible()


def test_to_sign_up_and_to_tell_of_oneself(page, server, scene):
    page.goto(f"{server.url}/accounts/signup/")
    page.fill("input[name=email]", "no-script@example.com")
    page.fill("input[name=password1]", PASSWORD)
    page.click("form:has(input[name=password1]) button[type=submit]")
    page.fill("input[name=code]", scene.mailed_code("no-script@example.com"))
    page.click("form:has(input[name=code]) button[type=submit]")
    page.wait_for_selector("h1:has-text('Your profile')")
    page.fill("input[name=name]", "Nora Noscript")
    page.click("form:has(input[name=name]) button[type=submit]")
    assert page.input_value("input[name=name]") == "Nora Noscript"


def test_to_let_a_device_in(page, server, scene):
    told = scene.device_code()
    page.goto(told["verification_uri_complete"])
    sign_in(page, scene, "plain")
    assert page.input_value("input[name=user_code]") == told["user_code"]
    page.click("main form button[type=submit]")
    page.click("button[name=allow]")
    page.wait_for_selector("h1:has-text('You can go back to your device')")
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "device_code": told["device_code"],
        "client_id": scene.made["tv"],
    }
    assert httpx.post(f"{server.url}/oauth/token", data=form).status_code == 200
    page.go_back()
    assert not page.locator("button[name=allow]").count(), "the back button asks nothing again"
