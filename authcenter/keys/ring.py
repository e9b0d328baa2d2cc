"""The key ring: signs and verifies every JWT of this server, with parsed keys held in memory.

Each worker reads the ring again every `REFRESH_SECONDS`, and once more when it meets a `kid` that it does not know.
A new key is published as `next` long before it signs, so no verifier meets a signature by a key it cannot have seen.
Algorithms are fixed by the key, never by the token's header (RFC 8725 section 3.1).
"""

import base64
import functools
import hashlib
import json
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any

from joserfc.jwk import ECKey, OKPKey, RSAKey

from authcenter.keys import vault
from authcenter.keys.models import Key
from authcenter.resource_server.errors import InvalidToken as InvalidToken
from authcenter.resource_server.signature import JoseKey, algorithm_named, signed_claims

REFRESH_SECONDS = 2.0
ALGORITHMS = ("ES256", "RS256")
"""What a new installation makes keys for."""


class Published:
    """A JWK Set with its body and entity tag, made once for all who ask."""

    def __init__(self, keys: dict[str, list[dict[str, Any]]]) -> None:
        self.keys, self.body = keys, json.dumps(keys).encode()
        said = json.dumps(keys, sort_keys=True).encode()
        self.etag = f'"{hashlib.sha256(said).hexdigest()[:32]}"'


class Ring:
    """One process's view of the keys. Safe for threads: a reload replaces whole dictionaries."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loaded_at = float("-inf")
        self._verifying: dict[str, tuple[str, JoseKey]] = {}
        self._signing: dict[str, tuple[str, JoseKey]] = {}
        self._published = Published({"keys": []})

    def sign(self, claims: Mapping[str, Any], *, typ: str, algorithm: str) -> str:
        """A compact JWS over `claims` with the active key of `algorithm` (RFC 7515, RFC 7519)."""
        self._fresh()
        try:
            kid, key = self._signing[algorithm]
        except KeyError:
            raise LookupError(f"there is no active {algorithm} key; run manage.py rotate_keys --ensure") from None
        signed = _header(algorithm, typ, kid) + _base64url(_json(claims).encode())
        return (signed + b"." + _base64url(algorithm_named(algorithm).sign(signed, key))).decode()

    def verify(self, token: str, *, typ: Iterable[str]) -> dict[str, Any]:
        """The claims of a token that this server signed and whose `typ` is one of `typ`.

        Checks signature, type and form only: `exp`, `aud` and revocation are the caller's.
        Raises `InvalidToken`.
        """
        return signed_claims(token, self, types=frozenset(typ)).claims

    def key(self, kid: str) -> tuple[str, JoseKey] | None:
        """The algorithm and public key named `kid`, or None: what a `Verifier` of the resource server asks."""
        self._fresh()
        if kid not in self._verifying and time.monotonic() - self._loaded_at > 1:
            self.forget()  # perhaps rotated a moment ago; at most once a second, whatever is thrown at us
            self._fresh()
        return self._verifying.get(kid)

    def jwks(self) -> dict[str, list[dict[str, Any]]]:
        """The public JWK Set (RFC 7517 section 5): next, active and retired keys; revoked ones are gone."""
        self._fresh()
        return self._published.keys

    def published(self) -> "Published":
        """The same, as it is sent."""
        self._fresh()
        return self._published

    def algorithms(self) -> list[str]:
        """What this server can sign with now."""
        self._fresh()
        return sorted(self._signing)

    def forget(self) -> None:
        """Read the keys again at the next use."""
        self._loaded_at = float("-inf")

    def _fresh(self) -> None:
        if time.monotonic() - self._loaded_at < REFRESH_SECONDS:
            return
        with self._lock:
            if time.monotonic() - self._loaded_at >= REFRESH_SECONDS:
                self._load()
                self._loaded_at = time.monotonic()

    def _load(self) -> None:
        verifying: dict[str, tuple[str, JoseKey]] = {}
        signing: dict[str, tuple[str, JoseKey]] = {}
        published = []
        for row in Key.objects.exclude(state=Key.State.REVOKED).order_by("-created"):
            known = self._verifying.get(row.kid)
            if row.state == Key.State.ACTIVE:
                held = self._signing.get(row.algorithm)
                signing[row.algorithm] = (
                    held
                    if held and held[0] == row.kid
                    else (row.kid, _imported(json.loads(vault.decrypt(row.private_key))))
                )
            verifying[row.kid] = known or (row.algorithm, _imported(row.public_jwk))
            published.append(row.public_jwk)
        self._verifying, self._signing = verifying, signing
        self._published = Published({"keys": published})


_json = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


@functools.lru_cache(maxsize=256)
def _header(algorithm: str, typ: str, kid: str) -> bytes:
    """The first part of a compact JWS (RFC 7515 section 3.1), with its dot: the same for every token of a kind."""
    return _base64url(_json({"alg": algorithm, "typ": typ, "kid": kid}).encode()) + b"."


def _base64url(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def _imported(jwk: dict[str, Any]) -> JoseKey:
    kinds: dict[str, type[ECKey] | type[RSAKey] | type[OKPKey]] = {"EC": ECKey, "RSA": RSAKey, "OKP": OKPKey}
    return kinds[jwk["kty"]].import_key(jwk)


ring = Ring()
