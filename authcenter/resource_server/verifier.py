"""Checking access tokens: RFC 9068 section 4, with the cautions of RFC 8725."""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from authcenter.resource_server.errors import ExpiredToken, InvalidToken, MisusedToken, RevokedToken
from authcenter.resource_server.signature import ALGORITHMS, KeySource, signed_claims

ACCESS_TOKEN = "at+jwt"

_LATEST = 253_402_300_799
"""The last second of the year 9999: later instants overflow what dates are kept in."""


class RevocationSource(Protocol):
    """Who knows what was taken back: the server's own tables, or a follower of its feed."""

    def is_revoked(self, claims: Mapping[str, Any]) -> bool:
        """Whether something that a token with these claims stands on is dead."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token that passed every check. Instants are whole seconds since 1970 (RFC 7519 section 2)."""

    type: str
    """Its media type without "application/", such as `at+jwt`."""

    claims: Mapping[str, Any]
    subject: str
    """A person's id, or the client id where an application acts for itself (RFC 9068 section 2.2)."""

    client_id: str
    """The application that it was issued to; empty in a first-party session token."""

    audience: tuple[str, ...]
    scopes: frozenset[str]
    roles: frozenset[str]
    issued: int
    expires: int


class Verifier:
    """Checks tokens of one issuer for one API. Holds no state of its own and is safe for threads.

    `issuer` and `audience` are compared exactly. `keys` and `revocations` are sources, over HTTP or in process;
    without `revocations` the caller asks about them. `types` are the media types accepted, `requires` the claims that
    must be non-empty strings (RFC 9068 section 2.2). `leeway`, in seconds, is how far the issuer's clock may be ahead
    of ours: it is granted to `iat` and `nbf`. No token is accepted after its `exp`.
    """

    def __init__(
        self,
        issuer: str,
        audience: str,
        *,
        keys: KeySource,
        revocations: RevocationSource | None = None,
        types: Collection[str] = (ACCESS_TOKEN,),
        requires: Collection[str] = ("sub", "client_id", "jti"),
        algorithms: Collection[str] = ALGORITHMS,
        leeway: int = 60,
    ) -> None:
        self.issuer = issuer
        self.audience = audience
        self._keys = keys
        self._revocations = revocations
        self._types = frozenset(types)
        self._requires = tuple(requires)
        self._algorithms = frozenset(algorithms)
        self._leeway = leeway

    def verify(self, token: str) -> Token:
        """The checked token. Raises `InvalidToken`: `ExpiredToken`, `MisusedToken` or `RevokedToken` where it was
        well signed and failed that check."""
        kind, claims = signed_claims(token, self._keys, types=self._types, algorithms=self._algorithms)
        if claims.get("iss") != self.issuer:
            raise MisusedToken("another issuer", claims)
        audience = _audience(claims)
        if self.audience not in audience:
            raise MisusedToken("another audience", claims)
        for name in self._requires:
            if not isinstance(claims.get(name), str) or not claims[name]:
                raise InvalidToken(f"no {name}", claims)
        issued, expires = self._times(claims)
        checked = Token(
            type=kind,
            claims=claims,
            subject=claims["sub"],
            client_id=_text(claims, "client_id"),
            audience=audience,
            scopes=frozenset(_text(claims, "scope").split()),
            roles=_names(claims, "roles"),
            issued=issued,
            expires=expires,
        )
        if self._revocations is not None and self._revocations.is_revoked(claims):
            raise RevokedToken("taken back", claims)
        return checked

    def _times(self, claims: Mapping[str, Any]) -> tuple[int, int]:
        now = time.time()
        expires, issued = _instant(claims, "exp"), _instant(claims, "iat")
        not_before = _instant(claims, "nbf") if "nbf" in claims else issued
        if now >= expires:
            raise ExpiredToken("expired", claims)
        if max(issued, not_before) > now + self._leeway:
            raise InvalidToken("from the future", claims)
        return issued, expires


def _instant(claims: Mapping[str, Any], name: str) -> int:
    value = claims.get(name)
    if type(value) is not int or not 0 <= value <= _LATEST:  # a bool is an int to isinstance, and no instant
        raise InvalidToken(f"{name} is no instant", claims)
    return value


def _audience(claims: Mapping[str, Any]) -> tuple[str, ...]:
    value = claims.get("aud")
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str) for item in values):
        raise InvalidToken("aud is neither a string nor a list of strings", claims)
    return tuple(values)


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name, "")
    if not isinstance(value, str):
        raise InvalidToken(f"{name} is no string", claims)
    return value


def _names(claims: Mapping[str, Any], name: str) -> frozenset[str]:
    value = claims.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InvalidToken(f"{name} is no list of strings", claims)
    return frozenset(value)
