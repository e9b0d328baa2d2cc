"""The console in Chromium: it works under its content security policy, and on a phone nothing hangs over the edge."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.pages.visitor import WCAG

pytestmark = pytest.mark.browser


def _enter(page, server):
    people = server.demo["people"]
    complaints = []
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda fault: complaints.append(str(fault)))
    page.goto(f"{server.url}/admin/")
    page.fill("[name=login]", people["admin"]["email"])
    page.fill("[name=password]", people["admin"]["password"])
    page.click("main form button[type=submit]")
    page.wait_for_url("**/admin/")
    return complaints


def _fits(page):
    return page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@pytest.mark.parametrize("width", ["desktop", "phone"])
def test_every_page_opens_without_a_complaint_and_fits(request, server, screenshots, width):
    page = request.getfixturevalue(width)
    complaints = _enter(page, server)
    for name, path in (
        ("index", ""),
        ("users", "accounts/user/"),
        ("groups", "auth/group/add/"),
        ("new-application", "oauth/application/add/"),
        ("sessions", "signins/session/"),
        ("revocations", "signins/revocation/"),
        ("revoke-something", "signins/revocation/add/"),
        ("deliveries", "outbox/delivery/"),
        ("keys", "keys/key/"),
        ("audit", "audit/auditevent/"),
        ("branding", "branding/branding/"),
        ("mails", "mails/"),
        ("mail", "mails/?mail=account/email/new_device"),
        ("providers", "accounts/identityprovider/"),
        ("new-provider", "accounts/identityprovider/add/"),
        ("organisations", "accounts/organisation/"),
        ("people-groups", "accounts/group/add/"),
        ("terms", "accounts/terms/add/"),
        ("invitations", "accounts/invitation/"),
        ("deletions", "accounts/deletion/"),
    ):
        assert page.goto(f"{server.url}/admin/{path}").ok, path
        assert _fits(page), path
        complaints.extend(f"{name}: {fault}" for fault in _faults(page))
        screenshots(page, f"console-{name}-{width}")
    for path in ("accounts/user/", "oauth/api/", "audit/auditevent/", "keys/key/", "signins/session/"):
        page.goto(f"{server.url}/admin/{path}")
        page.goto(server.url + page.locator('#result_list a[href*="/change/"]').first.get_attribute("href"))
        assert _fits(page), page.url
        screenshots(page, f"console-{path.split('/')[1]}-{width}")
    assert not complaints


@pytest.mark.parametrize("width", ["desktop", "phone"])
def test_to_revoke_somebody_from_the_search_to_the_receipt(request, server, screenshots, width):
    page = request.getfixturevalue(width)
    complaints = _enter(page, server)

    def look(name):
        for scheme in ("light", "dark"):
            page.evaluate(f"document.documentElement.classList.toggle('dark', {str(scheme == 'dark').lower()})")
            assert _fits(page), name
            complaints.extend(f"{name}, {scheme}: {fault}" for fault in _faults(page))
            screenshots(page, f"console-{name}-{width}-{scheme}")

    page.goto(f"{server.url}/admin/signins/revocation/add/")
    page.fill("[name=what]", "nobody@example.com")
    page.get_by_role("button", name="Continue").click()
    page.get_by_text("There is none of this name").wait_for()
    complaints.clear()  # the browser's line about the 400 that says so
    look("revoke-something")
    page.fill("[name=what]", server.demo["people"]["demo"]["email"])
    page.get_by_role("button", name="Continue").click()
    page.get_by_text("What this hits now").wait_for()
    look("what-it-hits")
    page.get_by_role("button", name="Revoke").click()
    page.get_by_text("if turned off", exact=False).wait_for()
    look("revoked-user")
    page.get_by_role("link", name="Receipt", exact=True).click()
    page.get_by_text("Who knows").wait_for()
    look("receipt")
    page.goto(f"{server.url}/admin/signins/revocation/")
    look("revocations")
    page.goto(f"{server.url}/admin/accounts/user/?q=demo@")
    page.goto(server.url + page.locator('#result_list a[href*="/change/"]').first.get_attribute("href"))
    page.goto(page.url.replace("/change/", "/delete/"))
    page.get_by_text("What this hits now").wait_for()
    look("delete-user")
    assert not complaints, "\n".join(complaints)


def _faults(page):
    """Against WCAG 2.2 A and AA, in what is ours: search fields, heads and rows of tables belong to the theme,
    and the field that completes a name to Django."""
    ours = {
        "include": [["#content"]],
        "exclude": [["#changelist-search"], ["#result_list thead"], [".tabular"], [".select2"]],
    }
    found = Axe().run(page, context=ours, options=WCAG).response["violations"]
    return [f"{fault['id']}: " + " | ".join(node["html"][:160] for node in fault["nodes"][:3]) for fault in found]


def test_a_secret_is_shown_once_and_a_reload_makes_no_second(desktop, server, screenshots):
    page, complaints = desktop, _enter(desktop, server)
    page.goto(f"{server.url}/admin/oauth/application/add/")
    page.fill("[name=name]", "Shop")
    page.fill("[name=redirect_uris]", "https://shop.example/cb\nhttp://shop.example/cb")
    page.click("button[name=_save]")
    page.get_by_text("http://shop.example/cb: http is for loopback only").wait_for()
    page.fill("[name=redirect_uris]", "https://shop.example/cb")
    page.click("button[name=_save]")
    secret = page.input_value("#client_secret")
    assert len(secret) >= 43
    screenshots(page, "console-secret-desktop")
    page.wait_for_url("**/change/")
    page.reload()
    assert page.input_value("[name=name]") == "Shop"
    assert secret not in page.content()
    assert not complaints


def test_the_lists_filters_and_actions_work(desktop, server):
    page, complaints = desktop, _enter(desktop, server)
    page.goto(f"{server.url}/admin/audit/auditevent/")
    page.get_by_text("Filters").first.click()
    page.get_by_text("By event", exact=False).first.wait_for()
    page.goto(f"{server.url}/admin/accounts/user/?q=demo@")
    page.locator("input.action-select").first.check()
    page.select_option("select[name=action]", "revoke_selected")
    page.get_by_role("button", name="Run").click()
    page.get_by_role("button", name="Revoke").wait_for()
    page.get_by_role("link", name="Cancel").click()
    page.wait_for_url("**/admin/accounts/user/?q=demo@")
    assert not complaints
