"""The product's main job in a real browser: a stranger signs up, verifies, consents at the demo client and sees the
API's answer; an operator takes the access back in the console, and the API refuses.
"""

import re

import pytest

pytestmark = [pytest.mark.live, pytest.mark.browser, pytest.mark.everywhere]

PASSWORD = "a long enough sentence 7"


def code_in_newest_mail(server, to: str) -> str:
    mail = [message for message in server.mails() if to in message][-1]
    return re.search(r"^\s*([A-Z0-9]{3,4}-?[A-Z0-9]{3,4})\s*$", mail, re.MULTILINE).group(1)


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_sign_up_consent_call_revoke_refused(server, size, request, screenshots):
    person = request.getfixturevalue(size)
    email = f"stranger-{size}@example.org"
    person.goto(f"{server.url}/demo/")
    screenshots(person, f"demo-start-{size}")
    person.get_by_role("button", name="Sign in").first.click()

    person.get_by_role("link", name=re.compile("Create|Sign up")).first.click()
    person.fill("input[name=email]", email)
    person.fill("input[name=password1]", PASSWORD)
    screenshots(person, f"sign-up-{size}")
    person.locator("main form button[type=submit]").first.click()
    person.wait_for_selector("input[name=code]")
    screenshots(person, f"verify-{size}")
    person.fill("input[name=code]", code_in_newest_mail(server, email))
    person.locator("main form button[type=submit]").first.click()

    person.wait_for_selector("button[name=allow]")
    screenshots(person, f"consent-{size}")
    text = person.inner_text("main")
    assert email in text and "Allow" in text and "Deny" in text
    person.click("button[name=allow]")

    person.wait_for_url(re.compile(r"/demo/"))
    person.get_by_role("button", name=re.compile("orders|API", re.I)).first.click()
    person.wait_for_selector("text=200")
    screenshots(person, f"demo-signed-in-{size}")

    operator = request.getfixturevalue("operator_page")
    admin = server.demo["people"]["admin"]
    operator.goto(f"{server.url}/admin/accounts/user/?q={email}")
    operator.fill("input[name=login]", admin["email"])
    operator.fill("input[name=password]", admin["password"])
    operator.locator("main form button[type=submit]").first.click()
    operator.locator("tbody input.action-select").first.check()
    operator.select_option("select[name=action]", label="Revoke everything")
    operator.get_by_role("button", name="Run").click()
    operator.wait_for_selector("input[name=confirmed]", state="attached")
    screenshots(operator, f"console-confirm-{size}")
    with operator.expect_navigation():
        operator.locator("form:has(input[name=confirmed]) button[type=submit]").click()
    screenshots(operator, f"console-revoked-{size}")
    person.wait_for_timeout(300)  # as long as the other worker may take to know

    person.get_by_role("button", name=re.compile("orders|API", re.I)).first.click()
    person.wait_for_selector("text=401")
    screenshots(person, f"demo-refused-{size}")
