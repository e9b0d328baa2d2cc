"""The issuer's metadata (RFC 8414) and the keys that it publishes (RFC 7517), fetched over HTTP and kept."""

import json
import threading
import time
from collections.abc import Mapping
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from authcenter.resource_server.errors import StaleView
from authcenter.resource_server.http import Connection, Unreachable
from authcenter.resource_server.signature import JoseKey

ASK_AGAIN = 0.5
"""Seconds without asking after nobody answered: who waits would only make the others wait."""


class PublishedKeys:
    """A `KeySource`. For an unknown `kid` the keys are fetched again, at most every `again` seconds.

    Safe for threads: who comes while they are fetched waits for them.
    """

    def __init__(self, url: str, line: Connection, again: float) -> None:
        self._url, self._line, self._again = url, line, again
        self._metadata: dict[str, Any] | None = None
        self._keys: dict[str, tuple[str, JoseKey]] = {}
        self._fetched_at = self._failed_at = float("-inf")
        self._wanted = ""
        self.new_process()

    def new_process(self) -> None:
        """After a fork: whoever held the lock is not in this process to give it back."""
        self._fetching = threading.Lock()
        self._line.forget()

    @property
    def age(self) -> float:
        """Seconds since they were fetched, or tried to be."""
        return time.monotonic() - self._fetched_at

    def key(self, kid: str) -> tuple[str, JoseKey] | None:
        """The algorithm and public key named `kid`, or None where the issuer does not publish it.

        Raises `StaleView` while no key is known at all: then nothing can be said of any token.
        """
        if kid not in self._keys and (not self._keys or self.age > self._again):
            self.fetch()
            if not self._keys:
                raise StaleView("the issuer's keys are not known yet")
        return self._keys.get(kid)

    def knows(self, kid: str) -> bool:
        """Whether `key` would make no request now."""
        return kid in self._keys

    def want(self, kid: str) -> None:
        """Fetch a key that the issuer itself has named, once and at once: no stranger can have made it up."""
        if kid not in self._keys and kid != self._wanted:
            self._wanted = kid
            self.fetch(must=True)

    def endpoint(self, name: str, default: str) -> str:
        """The address of an endpoint, as the metadata has it where they are known."""
        return str((self._metadata or {}).get(name, f"{self._url}{default}"))

    def fetch(self, *, must: bool = False) -> None:
        """Once in `again` seconds, unless it must be now. After a failure the keys that are there stay good."""
        with self._fetching:
            if self._keys and self.age < self._again and not must:
                return
            if not self._keys and time.monotonic() - self._failed_at < ASK_AGAIN:
                return
            try:
                if self._metadata is None:
                    found = json.loads(self._line.get(f"{self._url}/.well-known/oauth-authorization-server").body)
                    if found.get("issuer") != self._url:  # RFC 8414 section 3.3
                        raise Unreachable("the metadata is another issuer's")
                    self._metadata = found
                answer = self._line.get(self._metadata["jwks_uri"], {"Cache-Control": "no-cache"})
                self._keys = _usable(json.loads(answer.body)["keys"])
            except (Unreachable, ValueError, KeyError, TypeError):
                self._failed_at = time.monotonic()
            finally:
                self._fetched_at = time.monotonic()  # after a failure too: a made-up `kid` must not make us ask more


def _usable(published: list[dict[str, Any]]) -> dict[str, tuple[str, JoseKey]]:
    """The keys that are whole and strong enough. RFC 7517 section 5: one that is not is passed over, not the others.

    Raises `ValueError` where there are keys, and none can be used.
    """
    usable = {}
    for jwk in published:
        try:
            usable[jwk["kid"]] = (jwk["alg"], _imported(jwk))
        except (JoseError, ValueError, KeyError, TypeError):
            continue
    if published and not usable:
        raise ValueError("no key that can be used")
    return usable


def _imported(jwk: Mapping[str, Any]) -> JoseKey:
    kinds: dict[str, type[ECKey] | type[RSAKey] | type[OKPKey]] = {"EC": ECKey, "RSA": RSAKey, "OKP": OKPKey}
    key = kinds[jwk["kty"]].import_key(dict(jwk))
    if isinstance(key, RSAKey) and key.public_key.key_size < 2048:  # RFC 7518 section 3.3
        raise ValueError("an RSA key of less than 2048 bits")
    return key
