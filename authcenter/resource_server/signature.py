"""The signature and form of a JWT (RFC 7515, RFC 7519, with the cautions of RFC 8725).

The key and its one algorithm come from the key source by `kid`; nothing in the token's header chooses an algorithm,
brings a key or names a place to fetch one from (RFC 8725 sections 3.1 and 3.10).
"""

import base64
import functools
import json
from collections.abc import Collection
from typing import Any, NamedTuple, Protocol

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from authcenter.resource_server.errors import InvalidToken, MisusedToken

JoseKey = ECKey | RSAKey | OKPKey
"""A key of joserfc, public or private; verifying needs the public half only."""

ALGORITHMS = ("ES256", "RS256", "PS256", "EdDSA", "Ed25519")
"""What AuthCenter signs with. Asymmetric only: a public key can then never serve as a shared secret."""

MAX_LENGTH = 16_384
"""Characters of a token; longer ones are refused before any of it is parsed."""

_BROKEN = (JoseError, ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What the library and the parser raise on hostile input."""


class KeySource(Protocol):
    """Where public keys come from: the server's own ring, or a JWK Set over HTTP."""

    def key(self, kid: str) -> tuple[str, JoseKey] | None:
        """The algorithm (a name of RFC 7518) and key named `kid`, or None where it is unknown or revoked.

        "" is asked for where a token names none; who has many keys knows none of that name.
        """


class Signed(NamedTuple):
    """What a good signature covers: the `typ` in lower case, the claims, and the `kid` of the key."""

    type: str
    claims: dict[str, Any]
    key_id: str


def signed_claims(
    token: str,
    keys: KeySource,
    *,
    types: Collection[str],
    algorithms: Collection[str] = ALGORITHMS,
    longest: int = MAX_LENGTH,
) -> Signed:
    """Type, claims and key of a compact JWS by one of `keys` whose `typ` is among `types` (RFC 8725 section 3.11).

    `typ` is compared without case and without "application/" (RFC 7515 section 4.1.9). Says nothing about issuer,
    audience, time and revocation. Raises `MisusedToken` where only the type is wrong, else `InvalidToken`.
    """
    if len(token) > longest:
        raise InvalidToken("too long")
    try:
        parts = jws.extract_compact(token.encode("ascii"), None, _limited(longest, ALGORITHMS))
        header = parts.headers()
        if "crit" in header or "b64" in header:  # no extension is understood here (RFC 7515 section 4.1.11)
            raise InvalidToken("critical header parameters")
        algorithm, key = _key(header.get("kid", ""), keys, algorithms)
        if not jws.validate_compact(parts, key, registry=_limited(longest, (algorithm,))):
            raise InvalidToken("bad signature")
        claims = _text_of(parts.payload.decode("utf-8"))
    except _BROKEN as error:
        raise InvalidToken("not a whole JWS") from error
    if not isinstance(claims, dict):
        raise InvalidToken("the payload is no object")
    kind = _kind(header)
    if kind not in types:
        raise MisusedToken(f"the type is {kind!r}", claims)
    return Signed(kind, claims, header.get("kid", ""))


def _text_of(payload: str) -> Any:
    """JSON without NUL and half characters, which it can write and no database or log can keep; `ValueError`."""
    claims = json.loads(payload)
    if (
        "\\u" in payload and b"\\u0000" in json.dumps(claims, ensure_ascii=False).encode()
    ):  # half of one cannot be encoded
        raise ValueError("NUL")
    return claims


def declared_type(token: str) -> str:
    """The `typ` that a token claims for itself, or "". Unverified: good for choosing who shall judge it, no more."""
    return _kind(declared_header(token))


def declared_key(token: str, *, longest: int = MAX_LENGTH) -> str:
    """The `kid` that a token claims, or "". Unverified: good for having that key at hand, no more."""
    kid = declared_header(token, longest=longest).get("kid")
    return kid if isinstance(kid, str) else ""


def declared_header(
    token: str, *, longest: int = MAX_LENGTH, algorithms: tuple[str, ...] = ALGORITHMS
) -> dict[str, Any]:
    """The header, unverified; empty where there is none, or one of another algorithm."""
    if len(token) > longest:
        return {}
    try:
        return dict(jws.extract_compact(token.encode("ascii"), None, _limited(longest, algorithms)).headers())
    except _BROKEN:
        return {}


def declared_claims(token: str) -> dict[str, Any]:
    """The claims, unverified, whatever the algorithm; empty where there are none. To find out whose keys to ask for."""
    if len(token) > MAX_LENGTH:
        return {}
    try:
        payload = token.encode("ascii").split(b".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)))
    except (*_BROKEN, IndexError):
        return {}
    return claims if isinstance(claims, dict) else {}


@functools.cache
def _limited(longest: int, algorithms: tuple[str, ...]) -> jws.JWSRegistry:
    """The library's own limit of a payload is 128,000 bytes: too short for a feed."""
    registry = jws.JWSRegistry(algorithms=list(algorithms))
    registry.max_payload_length = max(longest, registry.max_payload_length)
    return registry


def _key(kid: object, keys: KeySource, algorithms: Collection[str]) -> tuple[str, JoseKey]:
    found = keys.key(kid) if isinstance(kid, str) else None
    if found is None:
        raise InvalidToken("no kid, or an unknown one")
    if found[0] not in algorithms:
        raise InvalidToken("a key for another algorithm")
    return found


def _kind(header: dict[str, Any]) -> str:
    typ = header.get("typ")
    return typ.lower().removeprefix("application/") if isinstance(typ, str) else ""
