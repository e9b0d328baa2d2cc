"""The main ways through the pages without a mouse. That the Tab key comes by everything is seen on every page."""

import re

import pytest

from tests.pages.scene import PASSWORD
from tests.pages.visitor import DESKTOP, PHONE

pytestmark = [pytest.mark.live, pytest.mark.browser]


class Keyboard:
    def __init__(self, page):
        self.page = page

    def focused(self):
        return self.page.evaluate("(e => e.name || e.textContent.trim())(document.activeElement)")

    def tab_to(self, name, most=40):
        for _ in range(most):
            if self.focused() == name:
                outline = self.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
                assert outline != "none", f"{name} has focus, and nobody sees it"
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{name} is out of reach of the Tab key")

    def type(self, text):
        self.page.keyboard.type(text)

    def press(self, key="Enter"):
        self.page.keyboard.press(key)


@pytest.fixture
def keys(new_page):
    return Keyboard(new_page(*DESKTOP))


def test_to_sign_in_and_consent(keys, server, scene):
    page = keys.page
    page.goto(server.url + scene.asks("app", "openid goods:1"))
    page.wait_for_selector("[data-reveal] button")
    page.wait_for_selector("[name=login]:focus")  # typing can begin at once
    keys.type(scene.made["plain"])
    keys.tab_to("password")
    keys.type("wrong password 9")
    keys.press()
    page.wait_for_selector("[role=alert]")
    page.wait_for_selector("[name=password]:focus")  # the address stays, the password is typed again
    keys.type(PASSWORD)
    keys.tab_to("Show")
    keys.press("Space")
    assert page.get_attribute("input[name=password]", "type") == "text"
    keys.tab_to("Sign in")
    keys.press()
    page.wait_for_selector("button[name=allow]")
    keys.tab_to("allow")
    keys.press()
    page.wait_for_url(re.compile(r"/rp/callback\?"))


def test_to_refuse_a_device(keys, server, scene):
    page = keys.page
    page.goto(f"{server.url}/device")
    page.wait_for_selector("[name=login]:focus")
    keys.type(scene.made["plain"])
    keys.tab_to("password")
    keys.type(PASSWORD)
    keys.press()
    page.wait_for_selector("input[name=user_code]:focus")
    keys.type(scene.device_code()["user_code"].lower())
    keys.press()
    page.wait_for_selector("button[name=deny]")
    keys.tab_to("deny")
    keys.press()
    page.wait_for_url(re.compile("/device/confirm"))
    page.wait_for_selector("h1:has-text('The device gets no access')")


def test_to_skip_to_the_content(keys, server):
    page = keys.page
    page.goto(f"{server.url}/accounts/password/reset/done/")
    keys.press("Tab")
    assert keys.focused() == "Skip to the content"
    keys.press()
    assert page.evaluate("document.activeElement.id") == "content"


def test_a_reloaded_or_repeated_form_asks_nothing_twice(new_page, server, scene):
    """Back to the consent page after the answer: a page that says so, not an error of the browser."""
    page = new_page(*PHONE)
    page.goto(server.url + scene.asks("app", "openid email"))
    page.fill("input[name=login]", scene.made["plain"])
    page.fill("input[name=password]", PASSWORD)
    page.click("main form button[type=submit]")
    page.wait_for_selector("button[name=deny]")
    consent = page.url
    page.click("button[name=deny]")
    page.wait_for_url(re.compile("error=access_denied"))
    page.goto(consent)
    assert "expired or was answered" in page.content()


def test_the_two_answers_to_a_device_look_equal(new_page, visit, scene):
    visitor = visit("plain")
    page = visitor.open("/device").send(user_code=scene.device_code()["user_code"]).page
    looks = [
        page.evaluate(
            "name => { const e = document.querySelector(`button[name=${name}]`), s = getComputedStyle(e),"
            " r = e.getBoundingClientRect(), size = [r.width, r.height].map(Math.round);"
            " return [s.backgroundColor, s.color, s.fontSize, s.fontWeight, ...size] }",
            name,
        )
        for name in ("allow", "deny")
    ]
    assert looks[0] == looks[1]
