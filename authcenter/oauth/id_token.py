"""ID tokens (OpenID Connect Core sections 2 and 3.1.3.6). They describe this session's sign-in and are never stored."""

import base64
import hashlib
import time
from collections.abc import Iterable
from typing import Any

from django.conf import settings

from authcenter.keys.ring import InvalidToken, ring
from authcenter.oauth.access_token import Grounds
from authcenter.oauth.claims import about_person
from authcenter.oauth.scopes import ORGANIZATION_CLAIMS
from authcenter.oauth.subjects import subject_of

TYP = "JWT"


def mint(grounds: Grounds, access_token: str | None, *, code: str | None = None, scopes: Iterable[str] = ()) -> str:
    """Signed with the application's algorithm. Of the person it tells what was asked for by name; the claims of scopes
    are at userinfo, but for `scopes`, for who gets no access token to ask there.
    """
    now = int(time.time())
    claims: dict[str, Any] = {
        **about_person(grounds.user, scopes, grounds.claims.get("id_token", ()), told_to=grounds.application.client_id),
        **{name: value for name, value in grounds.acts_for.items() if name in ORGANIZATION_CLAIMS},
        "iss": settings.ISSUER,
        "sub": subject_of(grounds.application, grounds.user),
        "aud": grounds.application.client_id,
        "azp": grounds.application.client_id,
        "iat": now,
        "exp": now + settings.ID_TOKEN_SECONDS,
        "amr": grounds.amr,
        "acr": grounds.acr,
    }
    if grounds.auth_time is not None:
        claims["auth_time"] = int(grounds.auth_time.timestamp())
    if grounds.session is not None:
        claims["sid"] = str(grounds.session)
    for name, value in (("at_hash", access_token), ("c_hash", code)):
        if value is not None:
            claims[name] = half_hash(value)
    if grounds.nonce:
        claims["nonce"] = grounds.nonce
    return ring.sign(claims, typ=TYP, algorithm=grounds.application.id_token_signed_response_alg)


def half_hash(value: str) -> str:
    """Left half of SHA-256, base64url: `at_hash` and `c_hash` for ES256 and RS256 (section 3.3.2.11)."""
    return base64.urlsafe_b64encode(hashlib.sha256(value.encode("ascii")).digest()[:16]).decode().rstrip("=")


def read_hint(token: str) -> dict[str, Any]:
    """An `id_token_hint`: one of ours, whole, however old. Raises `InvalidToken`."""
    claims = ring.verify(token, typ=["jwt"])
    if claims.get("iss") != settings.ISSUER:
        raise InvalidToken("by another issuer")
    if not all(isinstance(claims.get(name), str) and claims[name] for name in ("sub", "aud")):
        raise InvalidToken("a claim that names whose and for whom it is is missing")
    return claims
