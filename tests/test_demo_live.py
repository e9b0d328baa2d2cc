"""The demo against a running server: the tour in the terminal, and the sample application in a browser."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.live import Server

pytestmark = pytest.mark.live


def tour(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "authcenter.demo.tour"],
        cwd=Path(__file__).parent.parent,
        env={**{name: value for name, value in os.environ.items() if name not in {"PORT", "URL"}}, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("round_", ["first", "again"])
def test_the_tour_ends_with_the_refused_request(server: Server, round_: str) -> None:
    done = tour(URL=server.url, DATA_DIR=str(server.data_dir))
    assert done.returncode == 0, done.stdout + done.stderr
    steps = [line for line in done.stdout.splitlines() if line[:2].strip().isdigit()]
    assert len(steps) == 15
    assert "GET /demo/api/orders/ → 401" in done.stdout.split(steps[-1])[1]
    assert 'error="invalid_token"' in done.stdout
    for secret in (server.demo["people"]["demo"]["password"], server.demo["applications"]["web"]["client_secret"]):
        assert secret not in done.stdout


def test_a_tour_without_a_server_says_so() -> None:
    done = tour(URL="http://localhost:9", DATA_DIR="/nonexistent")
    assert done.returncode == 1
    assert "make run" in done.stderr and "Traceback" not in done.stderr


def test_a_tour_with_another_password_says_so(server: Server, tmp_path: Path) -> None:
    demo = server.demo
    demo["people"]["demo"]["password"] = "not her password"
    (tmp_path / "demo.json").write_text(json.dumps(demo))
    done = tour(URL=server.url, DATA_DIR=str(tmp_path))
    assert done.returncode == 1
    assert "was not let in" in done.stderr and "Traceback" not in done.stderr


def sign_in(page: Any, server: Server) -> None:
    person = server.demo["people"]["demo"]
    page.goto(f"{server.url}/demo/")
    page.wait_for_selector("#demo[data-ready]")
    page.click("[data-action=sign-in]")
    page.fill("[name=login]", person["email"])
    page.fill("[name=password]", person["password"])
    page.click("form:has([name=password]) button[type=submit]")
    page.wait_for_selector("[name=allow], #signed-in:not([hidden])")
    if page.locator("[name=allow]").count():
        page.click("[name=allow]")
    page.wait_for_selector("#demo[data-ready]")


def press(page: Any, action: str, then: str) -> None:
    page.click(f"[data-action={action}]")
    page.wait_for_selector(then)


@pytest.mark.browser
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_the_sample_application_does_all_that_its_buttons_say(
    server: Server, size: str, request: pytest.FixtureRequest, screenshots: Callable[[Any, str], None]
) -> None:
    page = request.getfixturevalue(size)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda line: faults.append(line.text) if "Content Security Policy" in line.text else None)
    sign_in(page, server)
    assert page.text_content("#name") == "Dana Okafor", page.inner_text("#demo")
    assert page.locator("[data-part=signature].good").count() == 2
    assert page.url == f"{server.url}/demo/", "a code must not stay in the address"

    press(page, "orders", "#answer-title:text('200')")
    page.click("[data-action=order]")
    page.wait_for_selector("[name=allow], #answer-title:text('201')")
    if page.locator("[name=allow]").count():
        asked = page.inner_text("main")
        assert "Place orders for you" in asked
        assert page.locator("details:has-text('already allowed')").count() == 1
        screenshots(page, f"demo-step-up-{size}")
        page.click("[name=allow]")
    page.wait_for_selector("#answer-title:text('201')")
    assert "orders:write" in page.text_content("#granted")

    press(page, "refresh", "#refresh-state:text('used once')")
    press(page, "userinfo", "#answer-title:text('/oauth/userinfo answered 200')")
    press(page, "revoke", "#message:text('Revoked')")
    page.wait_for_timeout(300)  # as long as the other worker may take to know
    press(page, "orders", "#answer-title:text('401')")
    assert "invalid_token" in page.text_content("#answer-challenge")
    screenshots(page, f"demo-revoked-{size}")
    press(page, "refresh", "#message:text('invalid_grant')")
    press(page, "sign-out", "#message:text('signed out')")
    press(page, "sign-in-silently", "#message:text('login_required')")
    assert not faults


@pytest.mark.browser
def test_the_sample_application_throws_away_answers_that_it_did_not_ask_for(server: Server, desktop: Any) -> None:
    for query in ("code=abc&state=def", "error=access_denied&state=def", f"code=abc&state=def&iss={server.url}"):
        desktop.goto(f"{server.url}/demo/?{query}")
        desktop.wait_for_selector("#message:text('thrown away')")
        assert desktop.url == f"{server.url}/demo/"
        assert desktop.locator("#signed-in[hidden]").count() == 1
    log = desktop.inner_text("#log")
    assert "/oauth/token" not in log


@pytest.mark.browser
def test_saying_no_is_told_and_nothing_is_received(server: Server, desktop: Any) -> None:
    sign_in(desktop, server)
    desktop.click("[data-action=sign-out]")
    desktop.wait_for_selector("#message:text('signed out')")
    desktop.evaluate("sessionStorage.clear()")
    person = server.demo["people"]["admin"]
    desktop.click("[data-action=sign-in]")
    desktop.fill("[name=login]", person["email"])
    desktop.fill("[name=password]", person["password"])
    desktop.click("form:has([name=password]) button[type=submit]")
    desktop.click("[name=deny]")
    desktop.wait_for_selector("#message:text('access_denied')")
    assert desktop.locator("#signed-in[hidden]").count() == 1


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_are_accessible_and_fit_320_pixels(server: Server, new_page: Callable[..., Any], scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = new_page(320, 640, color_scheme=scheme)

    def judge() -> None:
        found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]})
        assert not found.response["violations"], found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")

    sign_in(page, server)
    press(page, "orders", "#answer-title:text('200')")
    judge()
    press(page, "sign-out", "#message:text('signed out')")
    judge()
    for path in ("web/callback?code=abc", "web/callback?error=access_denied", "web/callback", "privacy/", "terms/"):
        page.goto(f"{server.url}/demo/{path}")
        judge()


@pytest.mark.browser
def test_a_click_waits_for_the_discovery_document_and_asks_again_when_none_came(server: Server, desktop: Any) -> None:
    waiting: list[Any] = []

    def asked() -> Any:
        for _ in range(1000):
            if waiting:
                break
            desktop.wait_for_timeout(20)
        return waiting.pop()

    desktop.route("**/.well-known/openid-configuration", lambda route: waiting.append(route))
    desktop.goto(f"{server.url}/demo/")
    first = asked()
    desktop.click("[data-action=sign-in]")
    first.abort()
    desktop.wait_for_selector("#message:text('did not work')")

    desktop.click("[data-action=sign-in]")
    asked().continue_()
    desktop.wait_for_selector("[name=login]")
    assert desktop.url.startswith(f"{server.url}/accounts/login/") and not waiting
