"""What refusals look like, each with the one audit event that it leaves where it matters for security."""

from typing import Any

import httpx

from tests.attacks.rig import Rig
from tests.oauth.flow import App, answer

FORBIDDEN = {"code", "access_token", "refresh_token", "id_token", "token_type"}


def page(rig: Rig, response: httpx.Response) -> None:
    """400 at the server, and the browser is sent nowhere."""
    assert response.status_code == 400, (response.status_code, response.headers.get("Location"), response.text[:300])
    assert "Location" not in response.headers
    assert response.headers["Content-Type"].startswith("text/html")
    assert "no-store" in response.headers["Cache-Control"]
    assert rig.audited(response) == ["authorization_refused"]


def redirect(
    rig: Rig, response: httpx.Response, app: App, error: str | set[str], state: str | None = None
) -> dict[str, str]:
    """To the registered address with `error`, `state` and `iss` once each, without code or token."""
    assert response.status_code in {302, 303}, (response.status_code, response.text[:500])
    location = response.headers["Location"]
    assert location.startswith(app.redirect_uri), location
    assert "#" not in location and "no-store" in response.headers["Cache-Control"]
    told = answer(location)
    assert told["error"] in ({error} if isinstance(error, str) else error), told
    assert told["iss"] == rig.issuer
    assert state is None or told["state"] == state
    assert not FORBIDDEN & told.keys()
    assert rig.audited(response) in (["authorization_refused"], ["consent_denied"])
    return told


def json_error(response: httpx.Response, error: str | set[str], status: int = 400) -> dict[str, Any]:
    """JSON with `error`, not cached, no token, no cookie."""
    assert response.status_code == status, (response.status_code, response.text[:500])
    assert response.headers["Content-Type"].startswith("application/json")
    said: dict[str, Any] = response.json()
    assert said["error"] in ({error} if isinstance(error, str) else error), said
    assert not FORBIDDEN & said.keys()
    assert "no-store" in response.headers["Cache-Control"] and "Set-Cookie" not in response.headers
    return said


def grant(rig: Rig, response: httpx.Response, error: str | set[str] = "invalid_grant", also: str = "") -> None:
    """A token request that the audit log must know of; `also` is the event of a theft."""
    json_error(response, error)
    assert rig.audited(response) == [*([also] if also else []), "grant_refused"]


def client(rig: Rig, response: httpx.Response) -> None:
    """RFC 6749 section 5.2: a 401 with the scheme that clients use."""
    json_error(response, "invalid_client", 401)
    assert response.headers["WWW-Authenticate"].startswith("Basic ")
    assert rig.audited(response) == ["client_refused"]


def bearer(response: httpx.Response) -> None:
    """RFC 6750 section 3.1."""
    assert response.status_code == 401, (response.status_code, response.text[:300])
    assert response.headers["WWW-Authenticate"].startswith("Bearer ")
    assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]
    assert "no-store" in response.headers["Cache-Control"]


def inactive(response: httpx.Response) -> None:
    """RFC 7662 section 2.2: the one negative answer, byte for byte."""
    assert response.status_code == 200 and response.content == b'{"active": false}', response.text
    assert "no-store" in response.headers["Cache-Control"]
