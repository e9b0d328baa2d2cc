"""Applications that register themselves, as right requests to change one thing in, and what refusals of them are."""

import json
import re
from types import SimpleNamespace
from typing import Any

import httpx

from tests.attacks import refusals
from tests.attacks.rig import Rig
from tests.oauth.flow import App

REGISTER = "/oauth/register"
BACK = "https://rp9.test/cb"
REFUSED = "registration_refused"


def wanted(**changes: Any) -> dict[str, Any]:
    """Right metadata; a change to None leaves a member out."""
    said = {"redirect_uris": [BACK], "client_name": "Nine", **changes}
    return {name: value for name, value in said.items() if value is not None}


def send(rig: Rig, body: Any, token: str = "", *, url: str = "", **headers: str) -> httpx.Response:
    """Whatever is sent to be registered; text and bytes go as they stand."""
    content = body if isinstance(body, str | bytes) else json.dumps(body)
    told = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {}), **headers}
    return rig.patient(lambda more: rig.http.post(url + REGISTER, content=content, headers=told | more), len(content))


def registered(rig: Rig, response: httpx.Response | None = None, /, **changes: Any) -> dict[str, Any]:
    """What was registered, as the answer tells it."""
    response = response or send(rig, wanted(**changes))
    assert response.status_code == 201, (response.status_code, response.text[:500])
    assert "no-store" in response.headers["Cache-Control"]
    said: dict[str, Any] = response.json()
    rig.scene.secret(said.get("client_secret", ""))
    rig.scene.secret(said["registration_access_token"])
    return said


def app(said: dict[str, Any]) -> App:
    """A registration as the application that it is."""
    method = said["token_endpoint_auth_method"]
    row = SimpleNamespace(client_id=said["client_id"], token_endpoint_auth_method=method)
    return App(row, said.get("client_secret", ""), said["redirect_uris"][0])  # type: ignore[arg-type]


def refused(rig: Rig, response: httpx.Response, error: str | set[str], status: int = 400) -> str:
    """RFC 7591 section 3.2.2, with its one event."""
    said = refusals.json_error(response, error, status)
    assert not {"client_id", "client_secret", "registration_access_token"} & said.keys()
    assert rig.audited(response) == [REFUSED]
    return str(said["error_description"])


def consent(rig: Rig, application: App, **changes: Any) -> str:
    """The page that asks a person whether she trusts this application."""
    browser = rig.browser(rig.scene.alice).ask(application, **changes)
    assert browser.page is not None and 'name="allow"' in browser.page.text, browser.page
    return browser.page.text


def links(page: str, address: str) -> list[str]:
    """The tags of a page that lead to this address."""
    return [tag for tag in re.findall(r"<[a-z]+ [^>]*>", page) if address in tag]
