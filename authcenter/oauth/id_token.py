"""ID tokens (OpenID Connect Core sections 2 and 3.1.3.6). They describe this session's sign-in and are never stored."""

import base64
import hashlib
import time
from typing import Any

from django.conf import settings

from authcenter.keys.ring import InvalidToken, ring
from authcenter.oauth.access_token import Grounds

TYP = "JWT"


def mint(grounds: Grounds, access_token: str) -> str:
    """Signed with the application's algorithm. Claims about the person are at userinfo, as an access token is given."""
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": settings.ISSUER,
        "sub": str(grounds.user.pk),
        "aud": grounds.application.client_id,
        "azp": grounds.application.client_id,
        "iat": now,
        "exp": now + settings.ID_TOKEN_SECONDS,
        "at_hash": half_hash(access_token),
        "amr": grounds.amr,
        "acr": grounds.acr,
    }
    if grounds.auth_time is not None:
        claims["auth_time"] = int(grounds.auth_time.timestamp())
    if grounds.session is not None:
        claims["sid"] = str(grounds.session)
    if grounds.nonce:
        claims["nonce"] = grounds.nonce
    return ring.sign(claims, typ=TYP, algorithm=grounds.application.id_token_signed_response_alg)


def half_hash(value: str) -> str:
    """Left half of SHA-256, base64url: `at_hash` for ES256 and RS256 (section 3.1.3.6)."""
    return base64.urlsafe_b64encode(hashlib.sha256(value.encode("ascii")).digest()[:16]).decode().rstrip("=")


def read_hint(token: str) -> dict[str, Any]:
    """An `id_token_hint`: one of ours, whole, however old. Raises `InvalidToken`."""
    claims = ring.verify(token, typ=["jwt"])
    if claims.get("iss") != settings.ISSUER:
        raise InvalidToken("by another issuer")
    if not all(isinstance(claims.get(name), str) and claims[name] for name in ("sub", "aud")):
        raise InvalidToken("a claim that names whose and for whom it is is missing")
    return claims
