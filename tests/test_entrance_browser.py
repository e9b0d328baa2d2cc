"""The sign-in and sign-up pages in Chromium: with JavaScript and without, two accounts in one browser."""

import re

import pytest

pytestmark = [pytest.mark.live, pytest.mark.browser]


@pytest.fixture
def people(server):
    return server.demo["people"]


def newest_code(server, to: str) -> str:
    """The code of the newest mail to somebody."""
    mail = [message for message in server.mails() if to in message][-1]
    return re.search(r"^\s*([B-Z]{4}-[B-Z]{4})\s*$", mail, re.MULTILINE)[1]


def sign_in(page, person):
    page.fill("[name=login]", person["email"])
    page.fill("[name=password]", person["password"])
    page.click("form#sign-in button.primary")
    page.wait_for_url("**/account/")


def test_a_code_and_two_accounts_without_javascript(server, people, new_page, screenshots):
    page = new_page(390, 844, java_script_enabled=False)
    page.goto(f"{server.url}/accounts/login/")
    assert page.locator(":focus").get_attribute("name") == "login"
    page.fill("[name=login]", people["demo"]["email"])
    page.click("text=E-mail me a code")
    assert people["demo"]["email"] in page.inner_text("main")
    screenshots(page, "sign-in-code")
    page.fill("[name=code]", newest_code(server, people["demo"]["email"]))
    page.click("button.primary")
    page.wait_for_url("**/account/")
    page.goto(f"{server.url}/accounts/choose/")
    page.click("text=Use another account")
    sign_in(page, people["admin"])
    page.goto(f"{server.url}/accounts/choose/?next=/account/apps/")
    screenshots(page, "choose-account")
    page.click(f"button.account:has-text('{people['demo']['email']}')")
    page.wait_for_url("**/account/apps/")
    page.goto(f"{server.url}/accounts/choose/")
    assert page.locator("button.account").first.inner_text().count(people["demo"]["email"]) == 1, "the one in use"


def test_the_meter_says_how_hard_a_password_is(server, desktop, screenshots):
    asked = []
    desktop.on("request", lambda request: asked.append(request) if "strength" in request.url else None)
    desktop.goto(f"{server.url}/accounts/signup/")
    desktop.fill("[name=email]", "somebody@example.com")
    for password, told in (("1q2w3e4r5t6y", "Too easy to guess."), ("correct horse battery 7", "Very strong.")):
        desktop.locator("[name=password1]").press_sequentially(password, delay=5)
        desktop.wait_for_selector(f".strength:has-text('{told}')")
        assert desktop.locator("meter").is_visible()
        desktop.fill("[name=password1]", "")
    times = len([one for one in asked if one.method == "POST"])
    assert 2 <= times <= 6, "asked when the typing rests, not at each of 35 keys"
    assert desktop.locator("meter").is_hidden()
    desktop.fill("[name=password1]", "correct horse battery 7")
    desktop.wait_for_selector("meter")
    screenshots(desktop, "sign-up-strength")


def test_a_sign_in_in_another_tab_carries_this_one_along(server, people, desktop):
    other = desktop.context.new_page()
    desktop.goto(f"{server.url}/accounts/login/?next=/account/security/")
    other.goto(f"{server.url}/accounts/login/")
    sign_in(other, people["demo"])
    desktop.fill("[name=login]", people["demo"]["email"])
    desktop.fill("[name=password]", "whatever was typed 1")
    desktop.click("form#sign-in button.primary")
    desktop.wait_for_url("**/account/security/")
    assert desktop.locator("h1").inner_text() == "Security"
