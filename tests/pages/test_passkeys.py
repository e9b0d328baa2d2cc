"""Passkeys in Chromium, with its virtual authenticator: what the pages and their script do with the browser."""

import re
from typing import Any

import pytest

from tests.live import Server
from tests.pages.scene import PASSWORD

pytestmark = [pytest.mark.live, pytest.mark.browser]


class Device:
    """A page whose browser has an authenticator of its own. `offer(False)`: nobody touches it."""

    def __init__(self, page: Any, server: Server, *, synced: bool = True, autofill: bool = True) -> None:
        self.page, self.server = page, server
        if not autofill:
            page.add_init_script("delete PublicKeyCredential.isConditionalMediationAvailable")
        self.cdp = page.context.new_cdp_session(page)
        self.cdp.send("WebAuthn.enable", {"enableUI": False})
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
            "defaultBackupEligibility": synced,
            "defaultBackupState": synced,
        }
        self.id = self.cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]

    def offer(self, enabled: bool) -> None:
        self.cdp.send("WebAuthn.setAutomaticPresenceSimulation", {"authenticatorId": self.id, "enabled": enabled})

    def verifies(self, enabled: bool) -> None:
        self.cdp.send("WebAuthn.setUserVerified", {"authenticatorId": self.id, "isUserVerified": enabled})

    def credentials(self) -> list[dict[str, Any]]:
        return self.cdp.send("WebAuthn.getCredentials", {"authenticatorId": self.id})["credentials"]

    def open(self, path: str) -> Any:
        self.page.goto(self.server.url + path)
        return self.page

    def press(self, name: str) -> None:
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=name, exact=True).click()

    def heading(self) -> str:
        return self.page.locator("h1").inner_text()

    def at(self, pattern: str) -> None:
        self.page.wait_for_url(re.compile(pattern))

    def sign_out(self) -> None:
        self.open("/account/")
        self.press("Sign out")


@pytest.fixture(scope="module")
def holder(server: Server) -> str:
    """The address of somebody who will have a passkey, and whom nobody else signs in as."""
    email = "passkeys@example.com"
    server.python(
        "from allauth.account.models import EmailAddress\n"
        "from accounts.models import User\n"
        f"user = User.objects.create_user({email!r}, {PASSWORD!r})\n"
        f"EmailAddress.objects.create(user=user, email={email!r}, verified=True, primary=True)\n"
    )
    return email


def test_a_passkey_from_adding_to_removing(server, holder, visit):
    """Added, named, used by the button and as second factor, asked for again, removed."""
    visitor = visit()
    device, page = Device(visitor.page, server, autofill=False), visitor.page
    device.open("/accounts/login/")
    visitor.send(login=holder, password=PASSWORD)
    device.open("/account/security/")
    page.get_by_role("link", name="Add a passkey").click()
    visitor.look("passkey-add", "Add a passkey")
    device.press("Add a passkey")
    visitor.look("passkey-name", "What shall this passkey be called")
    assert len(device.credentials()) == 1
    visitor.send(name="My laptop")
    device.press("Show my recovery codes")
    assert page.locator(".recovery-codes code").count() == 10
    device.open("/account/security/passkeys/")
    visitor.look("passkeys", "Passkeys and security keys")
    assert "synced to your other devices" in page.locator(".item").inner_text()
    device.open("/account/security/passkeys/add/")
    page.get_by_role("button", name="Add a passkey").click()
    page.get_by_text("There is already a passkey of yours on this device.").wait_for()
    device.sign_out()

    device.open("/accounts/login/")
    device.press("Sign in with a passkey")
    assert device.heading() == "Your profile"
    device.sign_out()
    device.open("/accounts/login/")
    visitor.look("sign-in-passkey-first", "Sign in")
    visitor.send(login=holder, password=PASSWORD)
    visitor.look("second-factor-passkey", "Second step")
    device.press("Use a passkey or security key")
    assert device.heading() == "Your profile"

    device.open("/accounts/reauthenticate/passkey/?next=/account/security/passkeys/")
    visitor.look("second-factor-again-passkey", "Is it you")
    device.press("Use a passkey or security key")
    device.at("/account/security/passkeys/$")
    page.get_by_role("link", name="Remove My laptop").click()
    visitor.look("passkey-remove", "Remove the passkey")
    device.press("Remove")
    assert "You have none yet." in page.locator("main").inner_text()


def test_the_autofill_signs_in_on_the_way_to_an_application(server, scene, visit):
    """Signed up with a passkey, without a password; then offered in the autofill, and led on to the application."""
    visitor = visit()
    device, page, email = Device(visitor.page, server), visitor.page, "nopassword@example.com"
    device.offer(False)
    device.open("/accounts/signup/")
    page.get_by_role("link", name="Sign up with a passkey").click()
    visitor.look("sign-up-passkey", "Sign up with a passkey")
    visitor.send(email=email)
    visitor.send(code=scene.mailed_code(email))
    visitor.look("passkey-create", "Create your passkey")
    device.offer(True)
    device.press("Create a passkey")
    assert device.heading() == "Your profile"
    device.offer(False)
    device.sign_out()
    app = server.demo["applications"]["web"]
    device.open(
        f"/oauth/authorize?response_type=code&client_id={app['client_id']}&redirect_uri={app['redirect_uris'][0]}"
        f"&scope=openid&state=s&prompt=consent&code_challenge={'a' * 43}&code_challenge_method=S256"
    )
    assert device.heading() == "Sign in"
    asked_at = page.url
    device.open("/demo/terms/")  # the first offer ends with its page, so that it cannot be taken while another comes
    device.offer(True)
    page.goto(asked_at, wait_until="commit")  # now the browser offers, and the first in the list is taken
    page.get_by_role("button", name="Allow").wait_for()


def test_the_offer_in_the_autofill_is_renewed_and_gives_way_to_the_button(server, new_page):
    """Before its challenge is too old there is a newer one; a browser has one ceremony at a time."""
    page, options = new_page(), "**/accounts/passkey/options/"
    device = Device(page, server)
    device.offer(False)
    page.clock.install()
    with page.expect_request(options):
        device.open("/accounts/login/")
    page.wait_for_load_state("networkidle")
    with page.expect_request(options):
        page.clock.fast_forward(290_000)
    device.verifies(False)
    device.offer(True)
    with page.expect_request(options):
        page.get_by_role("button", name="Sign in with a passkey").click()
    page.get_by_text("No passkey was chosen.").wait_for()


def test_what_goes_wrong_is_told(server, new_page):
    device = Device(new_page(), server, autofill=False)
    page = device.open("/accounts/login/")
    device.verifies(False)
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.get_by_text("No passkey was chosen.").wait_for()
    page.route("**/passkey/options/", lambda route: route.abort())
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.get_by_text("The server did not answer.").wait_for()
    assert page.get_by_role("button", name="Sign in with a passkey").is_enabled(), "one can try again"


def test_without_javascript_or_passkeys_no_button_is_in_the_way(server, new_page):
    page = new_page(java_script_enabled=False)
    page.goto(f"{server.url}/accounts/login/")
    assert not page.get_by_role("button", name="Sign in with a passkey").is_visible()
    assert page.get_by_text("Passkeys need JavaScript").is_visible()
    page = new_page()
    page.add_init_script("delete globalThis.PublicKeyCredential")
    page.goto(f"{server.url}/accounts/login/")
    page.get_by_role("button", name="Sign in with a passkey").wait_for(state="hidden")
