"""Checking access tokens: RFC 9068 section 4, with the cautions of RFC 8725."""

import hashlib
import re
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, Protocol, TypeVar

from authcenter.resource_server.errors import ExpiredToken, InvalidToken, MisusedToken, RevokedToken, StaleView
from authcenter.resource_server.http import Unreachable
from authcenter.resource_server.issuer import Issuer
from authcenter.resource_server.signature import ALGORITHMS, KeySource, declared_header, signed_claims

ACCESS_TOKEN = "at+jwt"
OPAQUE = "opaque"
"""`Token.type` of an access token that is no JWT."""

_OPAQUE = re.compile(r"[A-Za-z0-9_~+/=-]{1,512}")
"""What may be asked about: RFC 6750 section 2.1's alphabet, as long as a secret may be."""

WhenStale = Literal["accept", "refuse", "ask"]
_STRICT: tuple[WhenStale, ...] = ("accept", "ask", "refuse")

LEEWAY = 60
"""Seconds that an issuer's clock may be ahead of ours."""

_LATEST = 253_402_300_799
"""The last second of the year 9999: later instants overflow what dates are kept in."""


Value = TypeVar("Value")


class RevocationSource(Protocol):
    """Who knows what was taken back: the server's own view, or a follower of its feed."""

    @property
    def age(self) -> float:
        """Seconds since what it knows was last known to be complete."""

    def is_revoked(self, claims: Mapping[str, Any]) -> bool:
        """Whether something that a token with these claims stands on is dead."""


class IntrospectionSource(Protocol):
    """Whom to ask about a token that cannot be judged here (RFC 7662)."""

    @property
    def can_introspect(self) -> bool:
        """Whether there are credentials to ask with."""

    def introspect(self, token: str) -> Mapping[str, Any] | None:
        """The answer for an active token, or None. Raises `Unreachable`."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token that passed every check. Instants are whole seconds since 1970 (RFC 7519 section 2)."""

    type: str
    """Its media type without "application/", such as `at+jwt`; `opaque` where it is no JWT."""

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
    key_id: str = ""
    """`kid` of the key that signed it; empty where it is opaque."""


class Verifier:
    """Checks tokens of one issuer for one API. Safe for threads.

    `issuer` is the issuer identifier, or an `Issuer` to share; `audience` is the API's identifier: both are compared
    exactly. Without `keys` and `revocations` both come from the issuer over HTTP; with `keys` alone, nothing is known
    of revocations and the caller asks about them. `introspection` is asked about tokens that are no JWT, and where
    `when_stale` says so.

    `when_stale` says what happens to a good token while the view of the revocations is older than `stale_after`
    seconds: "refuse" (`StaleView`), "accept", or "ask" introspection, which refuses where it does not answer. It may be
    a mapping from scope to one of these, with "*" for all other scopes (refuse, where it is left out): among a token's
    scopes the strictest counts, refuse before ask before accept.

    `types` are the media types accepted, `requires` the claims that must be non-empty strings (RFC 9068 section 2.2).
    `leeway`, in seconds, is how far the issuer's clock may be ahead of ours: it is granted to `iat` and `nbf`. No token
    is accepted after its `exp`. Up to `remembered` verified tokens are kept, by a digest, so that a repeat costs no
    signature; each repeat is checked anew for its end, its key, revocation and staleness.
    """

    def __init__(
        self,
        issuer: str | Issuer,
        audience: str,
        *,
        keys: KeySource | None = None,
        revocations: RevocationSource | None = None,
        introspection: IntrospectionSource | None = None,
        when_stale: WhenStale | Mapping[str, WhenStale] = "refuse",
        stale_after: float = 10.0,
        types: Collection[str] = (ACCESS_TOKEN,),
        requires: Collection[str] = ("sub", "client_id", "jti"),
        algorithms: Collection[str] = ALGORITHMS,
        leeway: int = LEEWAY,
        remembered: int = 5_000,
    ) -> None:
        self.source: Issuer | None = None
        """Where keys and revocations come from over HTTP, to share it with others; None in process."""
        if isinstance(issuer, Issuer) or keys is None:
            source = issuer if isinstance(issuer, Issuer) else Issuer(issuer)
            self.source = source
            keys, revocations, introspection = keys or source, revocations or source, introspection or source
            issuer = source.url
        self.issuer = issuer
        self.audience = audience
        self._keys = keys
        self._revocations = revocations
        self._introspection = introspection if introspection and introspection.can_introspect else None
        self._when_stale: Mapping[str, WhenStale] = {"*": when_stale} if isinstance(when_stale, str) else when_stale
        if unknown := set(self._when_stale.values()) - set(_STRICT):
            raise ValueError(f"when_stale is accept, refuse or ask, not {', '.join(sorted(unknown))}")
        if "ask" in self._when_stale.values() and self._introspection is None:
            raise ValueError("when_stale='ask' needs an Issuer with the API's client_id and client_secret")
        self._stale_after = stale_after
        self._types = frozenset(types)
        self._requires = tuple(requires)
        self._algorithms = frozenset(algorithms)
        self._leeway = leeway
        self._checked: Checked[Token] = Checked(remembered)

    def verify(self, token: str) -> Token:
        """The checked token. Raises `InvalidToken`: `ExpiredToken`, `MisusedToken` or `RevokedToken` where it was
        well signed and failed that check, `StaleView` where revocations are not known well enough to say."""
        if self._introspection is not None and "." not in token:
            if not _OPAQUE.fullmatch(token):
                raise InvalidToken("no token at all")
            return self._opaque(token)
        checked = self._checked.get(token)
        if checked is None:
            checked = self._by_signature(token)
            self._checked.put(token, checked)
        elif time.time() >= checked.expires:
            raise ExpiredToken("expired", checked.claims)
        is_revoked = self._revocations is not None and self._revocations.is_revoked(checked.claims)
        # Of a new token too: the first of a process has only now brought the news, and the keys may be a cache's. And
        # before anything is said of claims that nobody vouches for any more.
        if self._keys.key(checked.key_id) is None:
            raise InvalidToken("the key was taken back")
        if is_revoked:
            raise RevokedToken("taken back", checked.claims)
        if self._revocations is not None and self._revocations.age > self._stale_after:
            self._stale(token, checked)
        return checked

    def is_quick(self, token: str) -> bool:
        """Whether checking this token makes no request now, for asyncio: a JWT, by a known key, with a fresh view."""
        fresh = self._revocations is None or self._revocations.age <= self._stale_after
        if not fresh or "." not in token:
            return False
        checked = self._checked.get(token)
        return self.source is None or self.source.knows((checked or declared_header(token)).key_id)

    def _by_signature(self, token: str) -> Token:
        kind, claims, key_id = signed_claims(token, self._keys, types=self._types, algorithms=self._algorithms)
        if claims.get("iss") != self.issuer:
            raise MisusedToken("another issuer", claims)
        for name in self._requires:
            if not isinstance(claims.get(name), str) or not claims[name]:
                raise InvalidToken(f"no {name}", claims)
        return self._token(kind, claims, key_id)

    def _token(self, kind: str, claims: Mapping[str, Any], key_id: str = "") -> Token:
        audience = _audience(claims)
        if self.audience not in audience:
            raise MisusedToken("another audience", claims)
        issued, expires = instants(claims, leeway=self._leeway)
        return Token(
            type=kind,
            claims=claims,
            subject=_text(claims, "sub"),
            client_id=_text(claims, "client_id"),
            audience=audience,
            scopes=frozenset(_text(claims, "scope").split()),
            roles=_names(claims, "roles"),
            issued=issued,
            expires=expires,
            key_id=key_id,
        )

    def _opaque(self, token: str) -> Token:
        claims = self._said(token)
        if claims is None:
            raise InvalidToken("introspection knows no such active token")
        if claims.get("iss", self.issuer) != self.issuer:
            raise MisusedToken("another issuer", claims)
        return self._token(OPAQUE, claims)

    def _stale(self, token: str, checked: Token) -> None:
        every = self._when_stale.get("*", "refuse")
        choices = [self._when_stale.get(scope, every) for scope in checked.scopes] or [every]
        choice = max(choices, key=_STRICT.index)
        if choice == "refuse":
            raise StaleView("revocations are not known well enough", checked.claims)
        if choice == "ask" and self._said(token, checked.claims) is None:
            raise RevokedToken("taken back, says introspection", checked.claims)

    def _said(self, token: str, claims: Mapping[str, Any] | None = None) -> Mapping[str, Any] | None:
        assert self._introspection is not None
        try:
            return self._introspection.introspect(token)
        except Unreachable as error:
            raise StaleView(f"introspection does not answer: {error}", claims) from error


def instants(claims: Mapping[str, Any], *, leeway: int = LEEWAY) -> tuple[int, int]:
    """`iat` and `exp` of claims that are good now. Raises `ExpiredToken`, and `InvalidToken` where one is no instant
    or the token is from the future."""
    now = time.time()
    expires, issued = _instant(claims, "exp"), _instant(claims, "iat")
    not_before = _instant(claims, "nbf") if "nbf" in claims else issued
    if now >= expires:
        raise ExpiredToken("expired", claims)
    if max(issued, not_before) > now + leeway:
        raise InvalidToken("from the future", claims)
    return issued, expires


class Checked(Generic[Value]):
    """What tokens say whose signature and form were good, by a digest of each: what is kept in memory opens nothing.

    Without a lock, which a fork could leave locked for ever: each step leaves the dictionary whole, and threads that
    write at once exceed `most` by their number.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: dict[bytes, Value] = {}

    def get(self, token: str) -> Value | None:
        if not self._kept or not token.isascii():
            return None
        return self._kept.get(_digest(token))

    def put(self, token: str, checked: Value) -> None:
        if not self._most:
            return
        while len(self._kept) >= self._most:
            try:
                self._kept.pop(next(iter(self._kept)), None)  # the oldest
            except (RuntimeError, StopIteration):  # another thread changed it between the two steps
                continue
        self._kept[_digest(token)] = checked


def _digest(token: str) -> bytes:
    return hashlib.blake2b(token.encode("ascii"), digest_size=16).digest()


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
