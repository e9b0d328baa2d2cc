"""AuthCenter over HTTP, for an API in a process of its own: its metadata, its keys, and the feed of revocations.

    issuer = Issuer("https://id.example.com")
    verifier = Verifier(issuer.url, "https://orders.example.com", keys=issuer, revocations=issuer)

One `Issuer` serves all threads of a process. Its follower starts at the first token that is checked, once in each
process (after a fork too), and asks every half second for what is new; checking a token asks nobody. What happens
while the feed is silent is the API's choice (`when_stale`).
"""

import json
import os
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any, Literal

from joserfc.jwk import ECKey, OKPKey, RSAKey

from authcenter.resource_server.errors import InvalidToken
from authcenter.resource_server.signature import JoseKey, signed_claims

FEED_TYPE = "revocations+jwt"
_MOST_BYTES = 4_000_000
_KINDS = (("session", "sid"), ("authorization", "gid"), ("family", "fid"), ("token", "jti"))
_EPOCHS = (("user", "sub", "uep"), ("application", "client_id", "aep"))


class Unreachable(Exception):
    """The issuer did not answer, or not with what it should."""


class Issuer:
    """A `KeySource` and a `RevocationSource` over HTTP.

    `url` is the issuer identifier. `poll`, in seconds, is how often the feed is asked; `timeout`, in seconds, how long
    one request may take. A view older than `stale_after` seconds is stale: then `when_stale` is "refuse" (every token
    is refused until the feed answers again) or "accept" (tokens are checked against the last view).
    Keys are fetched again every `keys_for` seconds, and at most every `keys_again` seconds for an unknown `kid`.
    """

    def __init__(
        self,
        url: str,
        *,
        poll: float = 0.5,
        timeout: float = 2.0,
        stale_after: float = 10.0,
        when_stale: Literal["accept", "refuse"] = "refuse",
        keys_for: float = 300.0,
        keys_again: float = 5.0,
    ) -> None:
        self.url = url
        self.poll, self.timeout = poll, timeout
        self.stale_after, self.when_stale = stale_after, when_stale
        self._keys_for, self._keys_again = keys_for, keys_again
        self._metadata: dict[str, Any] | None = None
        self._keys: dict[str, tuple[str, JoseKey]] = {}
        self._keys_at = float("-inf")
        self._keys_lock = threading.Lock()
        self._dead: dict[tuple[str, str], int | None] = {}
        self._feed, self._sequence = "", 0
        self._seen_at = float("-inf")
        self._process = 0
        self._started = threading.Lock()
        self._first_view = threading.Event()

    # Keys

    def key(self, kid: str) -> tuple[str, JoseKey] | None:
        """The algorithm and public key named `kid`, or None where the issuer does not publish it or revoked it."""
        if kid not in self._keys and time.monotonic() - self._keys_at > self._keys_again:
            self._fetch_keys()
        if ("key", kid) in self._dead:
            return None
        return self._keys.get(kid)

    # Revocations

    def is_revoked(self, claims: Mapping[str, Any]) -> bool:
        """Whether something that a token with these claims stands on is dead, as far as this process has seen.

        No input or output, but for the first token of a process, which waits for the first view.
        """
        self._follow()
        if self.age > self.stale_after and self.when_stale == "refuse":
            return True
        dead = self._dead
        if any((kind, claims.get(name)) in dead for kind, name in _KINDS):
            return True
        for kind, name, epoch in _EPOCHS:
            present = dead.get((kind, str(claims.get(name))))
            if present is not None and present > claims.get(epoch, -1):
                return True
        return False

    @property
    def age(self) -> float:
        """Seconds since the view was last known to be complete; infinite before the first."""
        return time.monotonic() - self._seen_at

    def refresh(self) -> None:
        """Ask the feed once. Raises `Unreachable`; the follower does this every `poll` seconds."""
        asked_at = time.monotonic()
        while self._ask():
            pass
        self._seen_at = asked_at
        self._first_view.set()

    def _ask(self) -> bool:
        """One question; whether there is more to ask at once."""
        token = self._get(f"{self.url}/.well-known/revocations?after={self._sequence}").decode("ascii", "replace")
        try:
            _kind, answer = signed_claims(token, self, types=[FEED_TYPE])
        except InvalidToken as error:
            raise Unreachable(f"the feed's signature: {error}") from error
        if answer.get("iss") != self.url:
            raise Unreachable("the feed is another issuer's")
        feed, start, end, entries = (answer.get(name) for name in ("feed", "from", "to", "entries"))
        if not isinstance(start, int) or not isinstance(end, int) or not isinstance(entries, list):
            raise Unreachable("the feed's form")
        if feed != self._feed and start != 0:  # another feed: its numbers mean nothing to us, so from the beginning
            self._feed, self._sequence = str(feed), 0
            return True
        if start not in {0, self._sequence}:
            raise Unreachable("a gap in the feed")
        dead = {} if start == 0 else dict(self._dead)
        for entry in entries:
            dead[(str(entry["kind"]), str(entry["id"]))] = entry.get("epoch")
        self._dead, self._feed, self._sequence = dead, str(feed), end  # whole, so that no thread sees half of it
        return bool(answer.get("more"))

    def _follow(self) -> None:
        if self._process == os.getpid():
            return
        with self._started:
            if self._process != os.getpid():
                self._first_view = threading.Event()
                threading.Thread(target=self._follow_for_ever, name="revocations", daemon=True).start()
                self._process = os.getpid()
        self._first_view.wait(self.timeout)

    def _follow_for_ever(self) -> None:
        while True:
            try:
                self.refresh()
                if time.monotonic() - self._keys_at > self._keys_for:
                    self._fetch_keys()
            except Exception:  # whatever went wrong, the view grows old, and `when_stale` says what that means
                self._first_view.set()
            time.sleep(self.poll)

    # HTTP

    def _fetch_keys(self) -> None:
        with self._keys_lock:
            if time.monotonic() - self._keys_at < self._keys_again:
                return
            self._keys_at = time.monotonic()  # also after a failure: an attacker's `kid` must not make us ask more
            try:
                if self._metadata is None:
                    found = json.loads(self._get(f"{self.url}/.well-known/oauth-authorization-server"))
                    if found.get("issuer") != self.url:  # RFC 8414 section 3.3
                        raise Unreachable("the metadata is another issuer's")
                    self._metadata = found
                published = json.loads(self._get(self._metadata["jwks_uri"]))["keys"]
                self._keys = {jwk["kid"]: (jwk["alg"], _imported(jwk)) for jwk in published if "alg" in jwk}
            except (Unreachable, ValueError, KeyError, TypeError):
                return  # the keys that we have stay good

    def _get(self, url: str) -> bytes:
        request = urllib.request.Request(url, headers={"Accept": "application/json, application/jwt"})  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as answer:  # noqa: S310
                body: bytes = answer.read(_MOST_BYTES)
                return body
        except (urllib.error.URLError, OSError, ValueError) as error:
            raise Unreachable(str(error)) from error


def _imported(jwk: Mapping[str, Any]) -> JoseKey:
    kinds: dict[str, type[ECKey] | type[RSAKey] | type[OKPKey]] = {"EC": ECKey, "RSA": RSAKey, "OKP": OKPKey}
    return kinds[jwk["kty"]].import_key(dict(jwk))
