"""The account home in Chromium without JavaScript: a picture, sign-ins, one's data, deletion and a change of mind."""

import json
from io import BytesIO

import pytest
from PIL import Image

from tests.conftest import PASSWORD

pytestmark = [pytest.mark.live, pytest.mark.browser]
EMAIL = "home.browser@example.org"
_PERSON = f"""
from allauth.account.models import EmailAddress
from accounts.models import User
user = User.objects.create_user({EMAIL!r}, {PASSWORD!r}, name="Hedda Home")
EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
"""


def sign_in(page, url):
    page.goto(f"{url}/accounts/login/")
    page.fill("[name=login]", EMAIL)
    page.fill("[name=password]", PASSWORD)
    page.locator("[name=password]").press("Enter")


def test_a_person_runs_her_account_without_javascript(server, new_page, tmp_path):
    server.python(_PERSON)
    page, telephone = (new_page(java_script_enabled=False), new_page(390, 844, java_script_enabled=False))
    sign_in(page, server.url)
    written = BytesIO()
    Image.new("RGB", (640, 480), "teal").save(written, "JPEG")
    page.set_input_files("[name=picture]", {"name": "me.jpg", "mimeType": "image/jpeg", "buffer": written.getvalue()})
    page.get_by_role("button", name="Save picture").click()
    page.get_by_text("Your picture is saved.").wait_for()
    page.wait_for_load_state()
    assert page.evaluate("document.querySelector('img.face').naturalWidth") == 256

    sign_in(telephone, server.url)
    page.goto(f"{server.url}/account/sessions/")
    assert page.locator("ul.list > li.item").count() == 2
    assert "This device" in page.locator("ul.list > li.item").first.inner_text()
    with page.expect_navigation():
        page.locator("ul.list > li.item").nth(1).get_by_role("button", name="Sign out").click()
    assert page.locator("ul.list > li.item").count() == 1
    telephone.goto(f"{server.url}/account/")
    assert "/accounts/login/" in telephone.url

    page.goto(f"{server.url}/account/data/")
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Download my data").click()
    downloading.value.save_as(tmp_path / "data.json")
    assert json.loads((tmp_path / "data.json").read_text())["profile"]["name"] == "Hedda Home"

    page.get_by_role("link", name="Delete my account").click()
    page.get_by_role("button", name="Delete my account").click()
    page.get_by_role("heading", name="Your account is closed").wait_for()
    sign_in(page, server.url)
    page.get_by_role("button", name="Keep my account").click()
    page.wait_for_url(f"{server.url}/account/")
    page.goto(f"{server.url}/account/activity/?kind=changes")
    assert "Deletion of the account cancelled" in page.locator("main").inner_text()
