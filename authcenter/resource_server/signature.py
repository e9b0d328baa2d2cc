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
from joserfc.util import json_b64decode, urlsafe_b64decode

from authcenter.resource_server.errors import InvalidToken, MisusedToken

JoseKey = ECKey | RSAKey | OKPKey
"""A key of joserfc, public or private; verifying needs the public half only."""

ALGORITHMS = ("ES256", "RS256", "PS256", "EdDSA", "Ed25519")
"""What AuthCenter signs with. Asymmetric only: a public key can then never serve as a shared secret."""

MAX_LENGTH = 16_384
"""Characters of a token; longer ones are refused before any of it is parsed."""

_LIBRARY = jws.JWSRegistry(algorithms=ALGORITHMS)
"""Its rules for headers, and how long a header and a signature may be."""

_BROKEN = (JoseError, ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What the library and the parser raise on hostile input."""


class KeySource(Protocol):
    """Where public keys come from: the server's own ring, or a JWK Set over HTTP."""

    def key(self, kid: str) -> tuple[str, JoseKey] | None:
        """The algorithm (a name of RFC 7518) and key named `kid`, or None where it is unknown or revoked.

        "" is asked for where a token names none; who has many keys knows none of that name.
        """


class Header(NamedTuple):
    """What a JOSE header says here: `alg`, `kid` or "", and `typ` in lower case and without "application/", or ""
    (RFC 7515 section 4.1)."""

    algorithm: str
    key_id: str
    type: str


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
    try:
        header, payload, signature = _segments(token, longest)
        said = _header(header)
        algorithm, key = _key(said.key_id, keys, algorithms)
        if said.algorithm != algorithm:  # the key's one algorithm is used, whatever the header would have
            raise InvalidToken("another algorithm than its key's")
        model = algorithm_named(algorithm)
        model.check_key(key)
        if not model.verify(header + b"." + payload, urlsafe_b64decode(signature), key):
            raise InvalidToken("bad signature")
        claims = _text_of(urlsafe_b64decode(payload).decode("utf-8"))
    except _BROKEN as error:
        raise InvalidToken("not a whole JWS") from error
    if not isinstance(claims, dict):
        raise InvalidToken("the payload is no object")
    if said.type not in types:
        raise MisusedToken(f"the type is {said.type!r}", claims)
    return Signed(said.type, claims, said.key_id)


def _segments(token: str, longest: int) -> tuple[bytes, bytes, bytes]:
    """Header, payload and signature of a compact JWS (RFC 7515 section 7.1), as they were sent."""
    if len(token) > longest:
        raise InvalidToken("too long")
    header, payload, signature = token.encode("ascii").split(b".")
    _LIBRARY.validate_header_size(header)
    _LIBRARY.validate_signature_size(signature)
    return header, payload, signature


@functools.lru_cache(maxsize=256)
def _header(segment: bytes) -> Header:
    """What these very bytes say. All tokens of one kind by one key begin with the same, so it is read once.

    Only what is well-formed is remembered, and nothing about keys: which there are, and for what, is asked each time.
    """
    said = json_b64decode(segment)
    if not isinstance(said, dict):
        raise InvalidToken("the header is no object")
    if "crit" in said or "b64" in said:  # no extension is understood here (RFC 7515 section 4.1.11)
        raise InvalidToken("critical header parameters")
    _LIBRARY.check_header(said)
    return Header(said["alg"], said.get("kid", ""), said.get("typ", "").lower().removeprefix("application/"))


def _text_of(payload: str) -> Any:
    """JSON without NUL and half characters, which it can write and no database or log can keep; `ValueError`."""
    claims = json.loads(payload)
    if (
        "\\u" in payload and b"\\u0000" in json.dumps(claims, ensure_ascii=False).encode()
    ):  # half of one cannot be encoded
        raise ValueError("NUL")
    return claims


def declared_header(token: str, *, longest: int = MAX_LENGTH) -> Header:
    """The header, unverified: good for choosing who shall judge the token and for having a key at hand, no more. Empty
    strings where there is none that could be good."""
    try:
        return _header(_segments(token, longest)[0])
    except (*_BROKEN, InvalidToken):
        return Header("", "", "")


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
def algorithm_named(name: str) -> jws.JWSAlgModel:
    """The library's arithmetic of one algorithm (a name of RFC 7518)."""
    return jws.JWSRegistry(algorithms=[name]).get_alg(name)


def _key(kid: str, keys: KeySource, algorithms: Collection[str]) -> tuple[str, JoseKey]:
    found = keys.key(kid)
    if found is None:
        raise InvalidToken("no kid, or an unknown one")
    if found[0] not in algorithms:
        raise InvalidToken("a key for another algorithm")
    return found
