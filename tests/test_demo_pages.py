"""The sample applications' pages: what they tell, what they keep quiet, and what bad addresses get."""

import html
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from authcenter.demo.seed import seed

pytestmark = pytest.mark.django_db
HOST = "localhost:8000"


@pytest.fixture(autouse=True)
def demo(settings: Any, tmp_path: Path) -> dict[str, Any]:
    settings.DEMO, settings.DATA_DIR, settings.ISSUER = True, tmp_path, f"http://{HOST}"
    settings.OWN_API = f"http://{HOST}/api"
    return seed()


@pytest.fixture
def browser() -> Client:
    return Client(HTTP_HOST=HOST)


def asked(location: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def test_the_page_knows_its_client_and_no_secret(browser: Client, demo: dict[str, Any]) -> None:
    page = browser.get("/demo/")
    text = page.content.decode()
    assert page.status_code == 200
    assert demo["applications"]["spa"]["client_id"] in text
    assert "demo@example.com" in text
    for secret in (
        demo["people"]["demo"]["password"],
        demo["people"]["admin"]["password"],
        demo["applications"]["web"]["client_secret"],
        demo["apis"]["demo"]["client_secret"],
    ):
        assert secret not in text


def test_the_page_needs_no_exception_from_the_policy(browser: Client) -> None:
    page = browser.get("/demo/")
    text = page.content.decode()
    assert "script-src 'self';" in page["Content-Security-Policy"] + ";"
    assert not re.search(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)", text)
    assert not re.search(r"\sstyle=|<style|\son\w+=|javascript:", text)


def test_another_name_of_the_same_machine_is_sent_to_the_issuer() -> None:
    answer = Client(HTTP_HOST="127.0.0.1:8000").get("/demo/?code=abc")
    assert (answer.status_code, answer["Location"]) == (302, f"http://{HOST}/demo/")


def test_without_data_the_pages_say_how_to_make_it(browser: Client, settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path / "empty"
    for path in ("/demo/", "/demo/web/"):
        page = browser.get(path)
        assert page.status_code == 503
        assert b"seed_demo" in page.content


@pytest.mark.parametrize("path", ["/demo/privacy/", "/demo/terms/", "/demo/web/callback"])
def test_the_other_pages_are_there(browser: Client, path: str) -> None:
    assert browser.get(path).status_code == 200


@pytest.mark.parametrize("path", ["/demo/", "/demo/privacy/", "/demo/terms/", "/demo/web/", "/demo/web/callback"])
def test_nothing_is_posted_to_a_page(browser: Client, path: str) -> None:
    assert browser.post(path).status_code == 405


def test_the_web_sample_asks_with_pkce_and_a_state_of_this_browser(browser: Client, demo: dict[str, Any]) -> None:
    first, second = (asked(browser.get("/demo/web/")["Location"]) for _time in range(2))
    assert first["client_id"] == demo["applications"]["web"]["client_id"]
    assert first["redirect_uri"] == demo["applications"]["web"]["redirect_uris"][0]
    assert first["code_challenge_method"] == "S256"
    for name in ("state", "nonce", "code_challenge"):
        assert first[name] != second[name]
    cookie = browser.cookies["demo-web"]
    assert cookie["httponly"] and cookie["samesite"] == "Lax" and cookie["path"] == "/demo/web/"
    assert second["state"] not in cookie.value and second["code_challenge"] not in cookie.value


def command_on(page: Any) -> str:
    found = re.search(r"<pre[^>]*>(.*?)</pre>", page.content.decode(), re.DOTALL)
    return html.unescape(found[1]) if found else ""


def test_the_callback_gives_a_command_with_the_code_and_its_verifier(browser: Client, demo: dict[str, Any]) -> None:
    state = asked(browser.get("/demo/web/")["Location"])["state"]
    page = browser.get("/demo/web/callback", {"code": "the-code", "state": state, "iss": f"http://{HOST}"})
    words = shlex.split(command_on(page).replace("\\\n", ""))
    assert words[0] == "curl"
    assert "code=the-code" in words
    assert any(re.fullmatch(r"code_verifier=[\w-]{43,128}", word) for word in words)
    assert demo["applications"]["web"]["client_secret"] not in page.content.decode()


def test_the_callback_of_a_sign_in_begun_elsewhere_has_no_verifier_and_says_so(browser: Client) -> None:
    browser.get("/demo/web/")
    page = browser.get("/demo/web/callback", {"code": "the-code", "state": "another", "iss": "https://evil.example"})
    text = page.content.decode()
    assert "$CODE_VERIFIER" in command_on(page)
    assert "not of a sign-in that this browser began" in text and "not our issuer" in text


@pytest.mark.parametrize(
    "code",
    [
        "<script>alert(1)</script>",
        "a'; rm -rf ~; echo '",
        '"$(id)"`id`',
        "two\nlines",
        "nul\x00here",
        "escape\x1b[2J",
        "späte",
        "x" * 600,
    ],
)
def test_a_code_that_somebody_made_up_is_shown_and_never_runs(browser: Client, code: str) -> None:
    page = browser.get("/demo/web/callback", {"code": code, "state": "s", "iss": "i"})
    assert page.status_code == 200
    assert "<script>alert" not in page.content.decode()
    if command := command_on(page):
        assert f"code={code}" in shlex.split(command.replace("\\\n", ""))


def test_an_error_is_shown_and_no_command(browser: Client) -> None:
    page = browser.get("/demo/web/callback", {"error": "access_denied", "error_description": "<b>no</b>"})
    text = page.content.decode()
    assert "access_denied" in text and "&lt;b&gt;no" in text and not command_on(page)


def test_without_demo_there_is_nothing_at_its_routes(tmp_path: Path) -> None:
    code = "import django; django.setup(); from django.urls import resolve; resolve('/demo/')"
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "authcenter.settings",
        "DEMO": "0",
        "DATA_DIR": str(tmp_path),
        "SECRET_KEY": "a secret key of a server that is not a demo",
        "ENCRYPTION_KEYS": "an encryption key of a server that is not a demo",
    }
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert "Resolver404" in done.stderr


def test_a_forged_cookie_is_no_cookie(browser: Client) -> None:
    browser.cookies["demo-web"] = json.dumps({"state": "s", "verifier": "v"})
    page = browser.get("/demo/web/callback", {"code": "c", "state": "s"})
    assert "$CODE_VERIFIER" in command_on(page)
