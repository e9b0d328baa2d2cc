"""Tokens for tests of the API: those that the server would mint, and those that it never would."""

import base64
import json
import secrets
import time
import uuid
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.test import Client

from authcenter.keys.ring import ring

REALM = 'Bearer realm="AuthCenter"'
METADATA = 'resource_metadata="http://localhost:8000/.well-known/oauth-protected-resource/api"'
INVALID = f'{REALM}, error="invalid_token", error_description="The access token is not valid."'


def access_claims(user: Any = None, client: str = "app", /, **changes: Any) -> dict[str, Any]:
    """Claims of an OAuth access token for our own API; a change to None leaves the claim out."""
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": settings.ISSUER,
        "sub": str(user.pk) if user else client,
        "aud": settings.OWN_API,
        "client_id": client,
        "iat": now,
        "exp": now + 300,
        "jti": secrets.token_urlsafe(16),
        "scope": "openid profile email",
        "aep": 0,
    }
    if user:
        claims |= {
            "auth_time": now,
            "amr": ["pwd"],
            "acr": "urn:authcenter:acr:1",
            "gid": str(uuid.uuid4()),
            "fid": str(uuid.uuid4()),
            "sid": str(uuid.uuid4()),
            "uep": user.epoch,
        }
    return {name: value for name, value in {**claims, **changes}.items() if value is not None}


def access_token(user: Any = None, client: str = "app", /, **changes: Any) -> str:
    return ring.sign(access_claims(user, client, **changes), typ="at+jwt", algorithm="ES256")


def session_claims(user: Any, **changes: Any) -> dict[str, Any]:
    """Claims of a session access token, of a session that is not in the database."""
    now = int(time.time())
    claims = {
        "iss": settings.ISSUER,
        "aud": settings.SESSION_AUDIENCE,
        "sub": str(user.pk),
        "sid": str(uuid.uuid4()),
        "uep": user.epoch,
        "iat": now,
        "exp": now + 300,
        "jti": secrets.token_urlsafe(16),
        "token_use": "access",
        "roles": [],
        "groups": [],
    }
    return {name: value for name, value in {**claims, **changes}.items() if value is not None}


def session_token(user: Any, *, typ: str = "session+jwt", **changes: Any) -> str:
    return ring.sign(session_claims(user, **changes), typ=typ, algorithm="ES256")


def b64(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and payload, unverified."""
    header, payload = (
        json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in token.split(".")[:2]
    )
    return header, payload


def get(client: Client, path: str, token: str, **extra: Any) -> HttpResponse:
    return client.get(path, HTTP_AUTHORIZATION=f"Bearer {token}", **extra)  # type: ignore[return-value]


def post(client: Client, path: str, body: Any, **extra: Any) -> HttpResponse:
    return client.post(path, json.dumps(body), content_type="application/json", **extra)  # type: ignore[return-value]


def assert_problem(response: HttpResponse, status: int, code: str) -> None:
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body = json.loads(response.content)
    assert body["status"] == status
    assert body["code"] == code, body
    assert body["type"] and body["title"] and body["detail"]
    assert response["Cache-Control"] == "no-store"
