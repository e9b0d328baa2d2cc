"""Every page for people, in Chromium: WCAG 2.2 AA, narrow phones, light and dark, no JavaScript, no mouse."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.live import Server

pytestmark = [pytest.mark.live, pytest.mark.browser]

PASSWORD = "a long enough sentence 7"
NARROW, PHONE, DESKTOP = (320, 800), (390, 844), (1280, 800)
AXE = Axe()
WCAG = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]},
    "resultTypes": ["violations"],
}

SCENE = """
import json
from allauth.account.models import EmailAddress
from django.utils import timezone
from datetime import timedelta
from accounts.models import User
from authcenter.oauth.models import API, Authorization, Scope
from authcenter.oauth.registration import new_application
from authcenter.sessions.models import Session

def person(email, **fields):
    user = User.objects.create_user(email, {password!r}, **fields)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user

long = person(
    "maximiliane-alexandra.von-und-zu-hohenlohe@a-long-domain.example",
    name="Maximiliane Alexandra Freifrau von und zu Hohenlohe-Langenburg",
    phone_number="+49 30 1234567", website="https://example.com/a/rather/long/address/that/does/not/break/anywhere",
)
plain = person("keys-only@example.com")
api = API.objects.create(identifier="https://orders.example/", name="Orders and deliveries of the warehouse")
Scope.objects.bulk_create(
    Scope(api=api, name=f"goods:{{number}}", title=title, description=told, access=access, sensitive=number == 3)
    for number, (title, told, access) in enumerate([
        ("See your orders", "", "read"),
        ("See deliveries", "Where they are, and when they come.", "read"),
        ("Place orders in your name", "", "write"),
        ("Change the account that is charged", "It may cost you money.", "write"),
    ])
)
app, _ = new_application(
    "web", "The Extraordinarily Long-Named Warehouse Management Application of Example Incorporated",
    redirect_uris="{url}/rp/callback", publisher="Example Incorporated and Company",
    client_uri="https://example.com/", policy_uri="https://example.com/privacy", tos_uri="https://example.com/terms",
    identity_scopes=["openid", "profile", "email", "address", "phone", "offline_access"],
)
app.save()
app.scopes.set(api.scopes.all())
native, _ = new_application("native", "Terminal Tool", redirect_uris="http://127.0.0.1/cb")
native.save()
now = timezone.now()
agents = ["Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "warehouse-sync/2.1", ""]
Session.objects.bulk_create(
    Session(user=long, kind="api" if number % 3 else "browser", expires=now + timedelta(days=9), idle_seconds=10**6,
            user_agent=agents[number % 3], address="2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff")
    for number in range(23)
)
for number in range(22):
    small, _ = new_application("spa", f"Sample application {{number}}", redirect_uris="https://a.example/cb")
    small.save()
    Authorization.objects.create(user=long, application=small, scopes=["openid", "email"])
print(json.dumps({{"app": app.client_id, "native": native.client_id, "long": long.email, "plain": plain.email}}))
"""


@pytest.fixture(scope="module")
def scene(server: Server) -> dict[str, str]:
    """A person and an application with very long names, many sign-ins and many connected apps."""
    return json.loads(server.python(SCENE.format(password=PASSWORD, url=server.url)).splitlines()[-1])


@pytest.fixture
def faults() -> Iterator[list[str]]:
    """Everything that is wrong on any page: all of it is told at the end."""
    found: list[str] = []
    yield found
    assert not found, "\n".join(found)


class Visitor:
    """Looks at each page as every visitor would, and notes what is wrong."""

    def __init__(self, page: Any, server: Server, screenshots: Any, faults: list[str]) -> None:
        self.page, self.server, self.screenshots, self.faults, self.name = page, server, screenshots, faults, "?"
        page.on("pageerror", lambda error: faults.append(f"{self.name}: {error}"))
        page.on("console", self._console)

    def _console(self, message: Any) -> None:
        loaded = re.match(r"Failed to load resource: the server responded with a status of 4\d\d", message.text)
        if message.type in {"error", "warning"} and not loaded:
            self.faults.append(f"{self.name}: console: {message.text}")

    def open(self, path: str) -> "Visitor":
        self.page.goto(self.server.url + path)
        return self

    def send(self, **fields: str) -> "Visitor":
        for name, value in fields.items():
            self.page.fill(f"input[name={name}]", value)
        return self.press(self.page.locator("main form button[type=submit]").first)

    def press(self, link_or_button: Any) -> "Visitor":
        """Until the answer is here: Argon2 and a mail take longer than a click."""
        with self.page.expect_navigation():
            link_or_button.click()
        return self

    def look(self, name: str, heading: str) -> None:
        self.name = name
        h1 = self.page.locator("h1")
        if h1.count() != 1 or not re.search(heading, h1.inner_text()):
            self.faults.append(f"{name}: another page: {self.page.url} {h1.all_inner_texts()}")
            return
        for scheme, (width, height) in (("light", NARROW), ("light", PHONE), ("dark", PHONE), ("light", DESKTOP)):
            self.page.emulate_media(color_scheme=scheme)
            self.page.set_viewport_size({"width": width, "height": height})
            over = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            if over > 0:
                self.faults.append(f"{name} at {width}: {over} px too wide")
            if width != NARROW[0]:
                self._axe(f"{name} at {width}, {scheme}")
                self.screenshots(self.page, f"page-{name}-{'phone' if width == PHONE[0] else 'desktop'}-{scheme}")

    def _axe(self, where: str) -> None:
        for fault in AXE.run(self.page, options=WCAG).response["violations"]:
            nodes = " | ".join(node["html"][:160] for node in fault["nodes"][:3])
            self.faults.append(f"{where}: {fault['id']}: {fault['help']}: {nodes}")


@pytest.fixture
def visitor(new_page: Any, server: Server, screenshots: Any, faults: list[str]) -> Visitor:
    return Visitor(new_page(reduced_motion="reduce"), server, screenshots, faults)


def asks(client_id: str, redirect_uri: str, scope: str, **more: str) -> str:
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": scope,
        "state": "s",
        "code_challenge": "a" * 43,
        "code_challenge_method": "S256",
        **more,
    }
    return f"/oauth/authorize?{urlencode(query)}"


EVERYTHING = "openid profile email address phone offline_access goods:0 goods:1 goods:2 goods:3"


def code(server: Server, to: str) -> str:
    mail = [message for message in server.mails() if f"To: {to}" in message][-1]
    found = re.search(r"^([B-Z]{4}-[B-Z]{4})$", mail, re.MULTILINE)
    assert found, mail
    return found[1]


def test_pages_of_strangers(visitor, server, scene):
    visitor.open(asks(scene["app"], f"{server.url}/rp/callback", EVERYTHING)).look("sign-in", "Sign in")
    visitor.send(login="somebody@example.com", password="not the password 1")
    visitor.look("sign-in-refused", "Sign in")
    visitor.press(visitor.page.get_by_role("link", name="Create an account"))
    visitor.look("sign-up", "Create an account")
    visitor.send(email="pages@example.com", password1="short").look("sign-up-refused", "Create an account")
    visitor.send(email="pages@example.com", password1=PASSWORD).look("verify", "Check your mail")
    visitor.send(code="BBBB-BBBB").look("verify-refused", "Check your mail")
    visitor.press(visitor.page.get_by_role("button", name="Use another address"))
    visitor.open("/accounts/password/reset/").look("reset", "Reset your password")
    visitor.send(email=scene["long"]).look("reset-code", "Check your mail")
    visitor.send(code=code(server, scene["long"])).look("reset-new", "Choose a new password")
    visitor.open("/accounts/password/reset/done/").look("reset-done", "Your password is changed")
    visitor.open("/accounts/inactive/").look("closed", "This account is closed")
    visitor.open("/no/such/page").look("404", "There is nothing here")
    visitor.open("/oauth/authorize?client_id=nobody").look("oauth-error", ".")
    visitor.open("/oauth/logout").look("signed-out", "You are signed out")


def test_pages_of_ones_account(visitor, server, scene):
    visitor.open("/accounts/login/").send(login=scene["long"], password=PASSWORD).look("profile", "Your profile")
    visitor.open(asks(scene["app"], f"{server.url}/rp/callback", EVERYTHING)).look("consent", "wants to access")
    visitor.open(asks(scene["native"], "http://127.0.0.1:4567/cb", "openid")).look("consent-native", "wants to access")
    visitor.open(asks(scene["app"], f"{server.url}/rp/callback", "openid", prompt="login"))
    visitor.look("sign-in-again", "Sign in again")
    visitor.send(password="not the password 1").look("sign-in-again-refused", "Sign in again")
    visitor.open("/account/security/").look("security", "Security")
    visitor.open("/account/sessions/").look("sessions", "Where you are signed in")
    visitor.open("/account/sessions/others/").look("sessions-others", "Sign out all others")
    visitor.open("/account/apps/").look("apps", "Connected apps")
    visitor.press(visitor.page.locator(".item a.danger").first)
    visitor.look("apps-remove", "Remove the access")
    visitor.send().look("apps-removed", "Connected apps")
    visitor.open("/account/apps/?q=nothing").look("apps-none", "Connected apps")
    visitor.open("/accounts/email/").look("email", "Your e-mail address")
    visitor.send(email="another@example.com").look("email-code", "Check your mail")
    visitor.open("/accounts/password/change/").look("password", "Change your password")
    visitor.send(oldpassword="not the password 1", password1="short", password2="other")
    visitor.look("password-refused", "Change your password")
    visitor.open("/account/")
    visitor.send(zoneinfo="Mars/Olympus").look("profile-refused", "Your profile")
    visitor.open("/oauth/logout").look("oauth-logout", "Sign out of")
    visitor.open("/accounts/logout/").look("sign-out", "Sign out of")
    visitor.send().look("sign-in-after", "Sign in")


def test_right_to_left_fits_too(visitor, scene):
    visitor.open("/accounts/login/").send(login=scene["long"], password=PASSWORD)
    for name in ("account/", "account/sessions/", "account/apps/", "account/security/"):
        visitor.open(f"/{name}")
        for width, height in (NARROW, DESKTOP):
            visitor.page.set_viewport_size({"width": width, "height": height})
            visitor.page.evaluate("document.documentElement.dir = 'rtl'")
            over = visitor.page.evaluate(
                "Math.max(...[...document.querySelectorAll('main *')].map(e => -e.getBoundingClientRect().left))"
            )
            if over > 0:
                visitor.faults.append(f"{name} at {width}, right to left: {over} px too wide")
            visitor.screenshots(visitor.page, f"page-rtl-{name.strip('/').replace('/', '-')}-{width}")
    assert not visitor.faults, visitor.faults


def test_sign_in_and_consent_without_javascript(new_page, server, scene):
    page = new_page(*PHONE, java_script_enabled=False)
    page.goto(server.url + asks(scene["app"], f"{server.url}/rp/callback", EVERYTHING))
    page.fill("input[name=login]", scene["plain"])
    page.fill("input[name=password]", PASSWORD)
    page.click("main form button[type=submit]")
    page.click("button[name=deny]")
    page.wait_for_url(re.compile("error=access_denied.*state=s|state=s.*error=access_denied"))
    page.goto(server.url + asks(scene["app"], f"{server.url}/rp/callback", "openid goods:0"))
    page.click("button[name=allow]")
    page.wait_for_url(re.compile(r"/rp/callback\?.*code="))
    page.goto(f"{server.url}/account/")
    page.click("header button:has-text('Sign out')")
    page.wait_for_url(f"{server.url}/accounts/login/")
    assert page.locator("input[name=password]").is_visible()


def test_sign_in_and_consent_by_keyboard(new_page, server, scene):
    page = new_page(*DESKTOP)
    page.goto(server.url + asks(scene["app"], f"{server.url}/rp/callback", "openid goods:1"))
    page.wait_for_selector("[data-reveal] button")

    def focused() -> str:
        return page.evaluate("(e => e.name || e.textContent.trim())(document.activeElement)")

    def tab_to(name: str, most: int = 20) -> None:
        for _ in range(most):
            if focused() == name:
                outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
                assert outline != "none", f"{name} has focus, and nobody sees it"
                return
            page.keyboard.press("Tab")
        raise AssertionError(f"{name} is out of reach of the Tab key")

    assert focused() == "login", "typing can begin at once"
    page.keyboard.type(scene["plain"])
    tab_to("password")
    page.keyboard.type("wrong password 9")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert]")
    assert focused() == "password", "the address stays, the password is typed again"
    page.keyboard.type(PASSWORD)
    tab_to("Show")
    page.keyboard.press("Space")
    assert page.get_attribute("input[name=password]", "type") == "text"
    tab_to("Sign in")
    page.keyboard.press("Enter")
    page.wait_for_selector("button[name=allow]")
    tab_to("allow", 30)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/rp/callback\?"))


def test_a_reloaded_or_repeated_form_asks_nothing_twice(new_page, server, scene):
    """Back to the consent page after the answer: a page that says so, not an error of the browser."""
    page = new_page(*PHONE)
    page.goto(server.url + asks(scene["app"], f"{server.url}/rp/callback", "openid email"))
    page.fill("input[name=login]", scene["plain"])
    page.fill("input[name=password]", PASSWORD)
    page.click("main form button[type=submit]")
    page.wait_for_selector("button[name=deny]")
    consent = page.url
    page.click("button[name=deny]")
    page.wait_for_url(re.compile("error=access_denied"))
    page.goto(consent)
    assert "expired or was answered" in page.content()
