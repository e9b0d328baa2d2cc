"""Who clicks twice, in a real browser: the form is sent once, and the answer is that of the first click."""

import re

import pytest

from tests.accounts.people import NEW

pytestmark = [pytest.mark.live, pytest.mark.browser]


def twice(page):
    """The second click comes while the first request is on its way; a quicker one is dropped by Chromium itself."""
    page.evaluate(
        "for (const after of [0, 20]) setTimeout(() => document.querySelector('main form').requestSubmit(), after)"
    )


def test_a_double_click_signs_up_once(new_page, server):
    page = new_page()
    page.goto(f"{server.url}/accounts/signup/")
    page.fill("input[name=email]", "twice@example.org")
    page.fill("input[name=password1]", NEW)
    twice(page)
    page.wait_for_selector("h1:has-text('Check your mail')")
    mails = [mail for mail in server.mails() if "To: twice@example.org" in mail]
    assert len(mails) == 1
    page.fill("input[name=code]", re.search(r"^([B-Z]{4}-[B-Z]{4})$", mails[0], re.MULTILINE)[1])
    twice(page)
    page.wait_for_selector("h1:has-text('Your profile')")
    page.goto(f"{server.url}/account/sessions/")
    assert page.locator("main .item").count() == 1


def test_a_second_try_is_let_through(new_page, server):
    """Where the answer to the first was lost."""
    page = new_page()
    page.goto(f"{server.url}/accounts/password/reset/")
    page.fill("input[name=email]", "nobody@example.org")
    page.evaluate("addEventListener('submit', e => { window.stopped = e.defaultPrevented; e.preventDefault(); })")
    form = "document.querySelector('main form')"
    send = f"{form}.requestSubmit(), window.stopped"
    assert page.evaluate(f"[({send}), ({send})]") == [False, True]
    page.wait_for_timeout(2100)
    page.locator("main form button[type=submit]").click()
    assert not page.evaluate("window.stopped")
