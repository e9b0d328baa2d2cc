"""Public keys of applications and trusted issuers (RFC 7517): given as a JWK Set, or by its address.

What is fetched is kept for minutes in the shared cache; an unknown `kid` looks again, but no address is asked more
often than every ten seconds, whatever strangers send.
"""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from django.core.cache import cache
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from authcenter.outbox import outbound
from authcenter.resource_server.signature import JoseKey

KEPT_SECONDS = 300
NOT_AGAIN_SECONDS = 10
_MOST_KEYS = 20
_PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
_BY_TYPE: dict[str, tuple[type[RSAKey] | type[ECKey] | type[OKPKey], tuple[str, ...]]] = {
    "RSA": (RSAKey, ("RS256", "PS256")),
    "EC": (ECKey, ("ES256",)),
    "OKP": (OKPKey, ("EdDSA", "Ed25519")),
}
ALGORITHMS = tuple(name for _kind, names in _BY_TYPE.values() for name in names)
"""Of signatures by clients and trusted issuers."""


class Keys:
    """A `KeySource` of one owner, for a token that says it is signed by `algorithm`.

    The header chooses among what a key's type is good for and what its owner registered, never a key or its type
    (RFC 8725 section 3.1). A token without `kid` is by the only key there is.
    """

    def __init__(self, jwks: dict[str, Any] | None, jwks_uri: str, *, algorithm: str, registered: str = "") -> None:
        self._jwks, self._uri = jwks, jwks_uri
        self._algorithm = algorithm if not registered or algorithm == registered else ""

    def key(self, kid: str) -> tuple[str, JoseKey] | None:
        found = self._among(self._jwks or _kept(self._uri), kid)
        if found is None and self._uri and not self._jwks:
            found = self._among(_fetched(self._uri), kid)
        return found

    def _among(self, jwks: dict[str, Any] | None, kid: str) -> tuple[str, JoseKey] | None:
        keys: Iterable[dict[str, Any]] = (jwks or {}).get("keys", [])
        fitting = [key for key in keys if self._algorithm in _algorithms(key) and kid in {"", key.get("kid")}]
        return (self._algorithm, _imported(fitting[0])) if len(fitting) == 1 else None


def cleaned(jwks: dict[str, Any]) -> dict[str, Any]:
    """What is kept of a JWK Set without faults: what is understood, and nothing that a stranger wrote beside it."""
    return {"keys": [{name: key[name] for name in _MEMBERS if name in key} for key in jwks["keys"]]}


_MEMBERS = ("kty", "kid", "use", "alg", "crv", "x", "y", "n", "e")


def fault(jwks: Any) -> str | None:
    """Why this is no JWK Set of public keys that are strong enough (RFC 8725 section 3.5); None where it is."""
    keys = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(keys, list) or not 1 <= len(keys) <= _MOST_KEYS:
        return "A JWK Set is an object with 1 to 20 keys."
    kids = [key.get("kid") for key in keys if isinstance(key, dict)]
    if len(keys) > 1 and (len(set(map(str, kids))) != len(keys) or not all(isinstance(kid, str) for kid in kids)):
        return "Each of several keys needs a kid of its own."
    return next((why for key in keys if (why := _key_fault(key))), None)


def _key_fault(key: Any) -> str | None:
    if not isinstance(key, dict) or not all(_is_text(key[name]) for name in _MEMBERS if name in key):
        return "A key is an object, and what it says are texts."
    if key.get("kty") not in _BY_TYPE:
        return "A key is of kty RSA, EC or OKP."
    if _PRIVATE & key.keys():
        return "A private key was sent: keep it, and make a new one, as this one is known to others now."
    if key.get("use", "sig") != "sig":
        return None  # for encryption: kept, and never used here
    try:
        public = _imported(key)
        if isinstance(public, RSAKey):
            number = public.raw_value
            exponent = number.public_numbers().e  # type: ignore[union-attr]
            if number.key_size < 2048 or exponent < 3 or not exponent % 2:
                return "An RSA key needs 2048 bits and an odd public exponent of 3 or more."
        elif public.curve_name not in {"P-256", "Ed25519"}:
            return "The curves are P-256 and Ed25519."
    except (JoseError, ValueError, KeyError, TypeError, AttributeError):
        return "A key is not well-formed."
    return None if _algorithms(key) else "The alg of a key does not fit it."


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value.isascii() and value.isprintable() and len(value) <= 2048


def _algorithms(key: dict[str, Any]) -> tuple[str, ...]:
    """What a key may sign with: what fits its type, or the one of these that it names."""
    fitting = _BY_TYPE.get(str(key.get("kty")), (None, ()))[1] if key.get("use", "sig") == "sig" else ()
    return tuple(name for name in fitting if key.get("alg") in {None, name})


def _imported(key: dict[str, Any]) -> JoseKey:
    # Without `use` and `key_ops`: what they say was judged, and the library refuses combinations that others send.
    plain = {name: value for name, value in key.items() if name not in {"use", "key_ops", "alg", "x5c", "x5t"}}
    return _BY_TYPE[key["kty"]][0].import_key(plain)


def _kept(uri: str) -> dict[str, Any] | None:
    return cache.get(_name(uri)) if uri else None


def _fetched(uri: str) -> dict[str, Any] | None:
    """Asks, if nobody has a moment ago."""
    if not cache.add(f"{_name(uri)} asked", True, timeout=NOT_AGAIN_SECONDS):
        return _kept(uri)
    try:
        answer = outbound.get(uri, accept="application/jwk-set+json, application/json")
        jwks = json.loads(answer.body) if answer.status == 200 else None
    except outbound.Busy:
        cache.delete(f"{_name(uri)} asked")  # nobody was
        return None
    except (outbound.Refused, outbound.Failed, ValueError, RecursionError):
        return None
    if jwks is None or fault(jwks):
        return None
    kept = cleaned(jwks)
    cache.set(_name(uri), kept, timeout=KEPT_SECONDS)
    return kept


def _name(uri: str) -> str:
    return f"jwks {hashlib.sha256(uri.encode()).hexdigest()}"
