"""Assertions (RFC 7523) as applications and trusted issuers make them, and as attackers would."""

import secrets
import time
from typing import Any

import httpx
from joserfc.jwk import ECKey

from authcenter.oauth.client_assertion import TYPE
from tests.attacks import forge
from tests.attacks.rig import Rig

KEY = ECKey.generate_key("P-256", {"kid": "k"})
STRANGER = ECKey.generate_key("P-256", {"kid": "k"})


def public(*keys: Any) -> dict[str, Any]:
    return {"keys": [key.as_dict(private=False) for key in keys]}


def said(subject: str, audience: Any, **changes: Any) -> dict[str, Any]:
    """What is right for now; a change to None leaves a claim out."""
    now = int(time.time())
    claims = {"iss": subject, "sub": subject, "aud": audience, "iat": now, "exp": now + 60}
    return forge.without({**claims, "jti": secrets.token_urlsafe(12)}, **changes)


def signed(rig: Rig, claims: Any, key: ECKey = KEY, **header: Any) -> str:
    """By this key; the scene remembers it as a secret that no error tells."""
    head = forge.without({"alg": "ES256", "kid": "k", "typ": "JWT"}, **header)
    return rig.scene.secret(forge.compact(head, claims, forge.es256(key)))


def proving(assertion: str, **form: Any) -> dict[str, Any]:
    """Client authentication by assertion, for a form."""
    return {"client_assertion_type": TYPE, "client_assertion": assertion, **form}


def proof(rig: Rig, claims: Any, key: ECKey = KEY, **header: Any) -> httpx.Response:
    """A token request of a machine by an assertion with these claims."""
    form = {"grant_type": "client_credentials", "scope": "films:read"}
    return rig.token(None, proving(signed(rig, claims, key, **header), **form))
