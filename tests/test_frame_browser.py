"""What stands around every page, in a browser without JavaScript and by keyboard; and the choice on a consent page."""

from typing import Any
from urllib.parse import urlencode

import pytest

from tests.live import Server

pytestmark = [pytest.mark.live, pytest.mark.browser]
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def background(page: Any) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


def test_language_and_theme_are_chosen_by_keyboard_without_javascript(new_page: Any, server: Server) -> None:
    page = new_page(390, 844, java_script_enabled=False, color_scheme="light")
    page.goto(f"{server.url}/accounts/login/")
    light = background(page)
    page.locator("details.menu summary").nth(0).focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="العربية").press("Enter")
    page.wait_for_selector('html[lang="ar"][dir="rtl"]')
    assert "/accounts/login/" in page.url
    page.locator("details.menu summary").nth(1).focus()
    page.keyboard.press("Enter")
    page.locator("button[name=theme][value=dark]").press("Enter")
    page.wait_for_selector('html[data-theme="dark"]')
    assert background(page) != light, "the theme that was chosen is not the one that is shown"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_menu_at_the_foot_hides_nothing_at_320_pixels(new_page: Any, server: Server) -> None:
    page = new_page(320, 640)
    page.goto(f"{server.url}/accounts/login/")
    for menu in page.locator("details.menu").all():
        menu.locator("summary").click()
        box = menu.locator("div").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 320, box
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_who_presses_enter_on_a_consent_page_leaves_out_what_is_optional(new_page: Any, server: Server) -> None:
    app = server.demo["applications"]["spa"]
    server.python(
        "from allauth.account.models import EmailAddress\n"
        "from accounts.models import User\n"
        "from authcenter.oauth.models import Application\n"
        "user = User.objects.create_user('enter@example.org', 'correct horse battery 7')\n"
        "EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)\n"
        f"Application.objects.filter(client_id={app['client_id']!r}).update(optional_scopes=['orders:write'])"
    )
    asked = {"client_id": app["client_id"], "redirect_uri": app["redirect_uris"][0], "response_type": "code"}
    asked |= {"scope": "openid orders:read orders:write", "code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    page = new_page(390, 844)
    page.goto(f"{server.url}/oauth/authorize?{urlencode(asked | {'prompt': 'consent'})}")
    page.fill("[name=login]", "enter@example.org")  # who has granted nothing yet
    page.fill("[name=password]", "correct horse battery 7")
    page.click("#sign-in button.primary, main button.primary")
    box = page.get_by_role("checkbox")
    box.wait_for()
    page.wait_for_load_state()  # with its style
    assert not box.is_checked()
    assert page.evaluate("document.activeElement.name") not in {"allow", "deny"}
    deny, allow = (page.locator(f"button[name={name}]").bounding_box() for name in ("deny", "allow"))
    assert (deny["width"], deny["height"]) == (allow["width"], allow["height"])
    box.focus()
    page.keyboard.press("Space")
    assert box.is_checked(), "a check box that belongs to the form by its name is not reached by keyboard"
    server.python(
        "from authcenter.oauth.models import Application\n"
        f"Application.objects.filter(client_id={app['client_id']!r}).update(optional_scopes=[])"
    )
