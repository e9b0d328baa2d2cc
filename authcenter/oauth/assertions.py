"""Signed assertions (RFC 7521, RFC 7523 section 3): the rules that are the same whoever signs and whatever for."""

import hashlib
import time
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any, TypeGuard

from django.db import IntegrityError, transaction
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from authcenter.oauth.client_keys import ALGORITHMS, Keys
from authcenter.oauth.models import UsedAssertion
from authcenter.resource_server.errors import InvalidToken
from authcenter.resource_server.signature import declared_claims, declared_header, signed_claims

LEEWAY = 60.0
"""Seconds that clocks may differ."""

LONGEST = 600.0
"""Seconds that an assertion may live: so long its `jti` is remembered."""


class Refused(Exception):
    """The text says why, for the log: whoever sent it learns nothing."""


CLIENT = ("", "jwt", "client-authentication+jwt")


def by_key(
    token: str, jwks: dict[str, Any] | None, jwks_uri: str, *, registered: str = "", types: Collection[str] = CLIENT
) -> dict[str, Any]:
    """The claims of what one of these keys signed, of one of these types. Raises `Refused`."""
    keys = Keys(jwks, jwks_uri, algorithm=declared_header(token).algorithm, registered=registered)
    try:
        return signed_claims(token, keys, types=types, algorithms=ALGORITHMS).claims
    except InvalidToken as error:
        raise Refused(str(error)) from error


def by_secret(token: str, secret: str) -> dict[str, Any]:
    """The claims of what this shared secret signed (HS256). Raises `Refused`."""
    if declared_header(token).algorithm != "HS256" or len(secret) < 32:
        raise Refused("not by HS256")
    try:
        jws.deserialize_compact(token, OctKey.import_key(secret.encode()), algorithms=["HS256"])
    except (JoseError, ValueError, TypeError) as error:
        raise Refused("bad signature") from error
    return declared_claims(token)


def check(claims: dict[str, Any], *, audiences: Collection[str]) -> None:
    """Audience, times and `jti` (RFC 7523 section 3). The audience is one string: among several, another server could
    be meant, and could pass it on. Raises `Refused`."""
    now, expires = time.time(), claims.get("exp")
    if claims.get("aud") not in [*audiences]:
        raise Refused("another audience")
    if not is_number(expires) or not now - LEEWAY < expires <= now + LONGEST + LEEWAY:
        raise Refused("no exp, past, or too far ahead")
    for name in ("nbf", "iat"):
        if name in claims and not (is_number(claims[name]) and claims[name] <= now + LEEWAY):
            raise Refused(f"{name} lies ahead")
    if not isinstance(claims.get("jti"), str) or not 1 <= len(claims["jti"]) <= 512:
        raise Refused("no jti")


def use(claims: dict[str, Any]) -> None:
    """Remember it, after all checks; exactly one request does so. Raises `Refused` where it was used."""
    key = hashlib.sha256(f"{claims['iss']}\x00{claims['jti']}".encode("utf-8", "surrogatepass")).hexdigest()
    until = datetime.fromtimestamp(claims["exp"], UTC) + timedelta(seconds=2 * LEEWAY)
    try:
        with transaction.atomic():
            UsedAssertion(key=key, expires=until).save(force_insert=True)
    except IntegrityError:
        raise Refused("replayed") from None


def is_number(value: object) -> TypeGuard[float]:
    """An instant that a date can hold; NaN and infinity are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 2**40
