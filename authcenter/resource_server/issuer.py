"""AuthCenter over HTTP, for an API in a process of its own: its keys, the feed of revocations, and introspection.

    verifier = Verifier("https://id.example.com", "https://orders.example.com")

makes one of these by itself; make it by hand to share it between verifiers or to give it credentials:

    issuer = Issuer("https://id.example.com", client_id="api-…", client_secret="…")
    orders = Verifier(issuer, "https://orders.example.com", when_stale="ask")

One `Issuer` serves all threads of a process. Its follower starts at the first token that is checked, once in each
process (after a fork too), and asks every half second for what is new; checking a token asks nobody.
"""

import os
import random
import ssl
import threading
import time
import weakref
from collections.abc import Mapping
from typing import Any

from authcenter.resource_server.errors import InvalidToken
from authcenter.resource_server.http import MOST_BYTES, Connection, Unreachable
from authcenter.resource_server.introspection import Introspection
from authcenter.resource_server.published_keys import PublishedKeys
from authcenter.resource_server.signature import JoseKey, declared_header, signed_claims
from authcenter.resource_server.view import Gap, View

FEED_TYPE = "revocations+jwt"
_LONGEST_PAUSE = 5.0
_ASKING = 4
"""Introspections at once."""
_LATE, _DISTRUSTED_FOR, _UNSIGNED_FOR = 5.0, 60.0, 30.0
"""Seconds: how old an answer may be that came through caches; how long older ones are refused; how long 304 will do."""


class Issuer:
    """A `KeySource`, a `RevocationSource` and an `IntrospectionSource` over HTTP.

    `url` is the issuer identifier; https, but for loopback. `poll`, in seconds, is how often the feed is asked;
    `timeout`, in seconds, how long one step of a request may take. Keys are fetched again every `keys_for` seconds, and
    at most every `keys_again` seconds for an unknown `kid`. `client_id` and `client_secret` are the API's own, for
    introspection (RFC 7662); an answer is good for `asked_for` seconds. `context` is for a certificate authority of
    one's own.
    """

    def __init__(
        self,
        url: str,
        *,
        client_id: str = "",
        client_secret: str = "",
        poll: float = 0.5,
        timeout: float = 2.0,
        keys_for: float = 300.0,
        keys_again: float = 5.0,
        asked_for: float = 1.0,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.url = url
        self.view = View()
        self._poll, self._timeout, self._keys_for = poll, timeout, keys_for

        # Connections of their own: slow introspections must not hold up the feed, nor the keys that it may need.
        def line() -> Connection:
            return Connection(url, timeout, context)

        self._line, self._keys = line(), PublishedKeys(url, line(), keys_again)
        lines = [line() for _ in range(_ASKING)]
        self._introspection = Introspection(self._keys, lines, client_id, client_secret, asked_for)
        self._seen_at = float("-inf")
        self._etag = ""
        self._as_of: tuple[float, float] | None = None
        """`as_of` of the last answer, by the issuer's clock, and when it was asked for, by a clock that only runs."""
        self._new_process()
        _issuers.add(self)

    def _new_process(self) -> None:
        """Threads do not survive a fork, and a lock that one of them held would never be given back."""
        self._following = False
        self._starting = threading.Lock()
        self._first_view, self._wake, self._stopped = threading.Event(), threading.Event(), threading.Event()
        self._line.forget()
        for part in (self.view, self._keys, self._introspection):
            part.new_process()

    # Keys

    def key(self, kid: str) -> tuple[str, JoseKey] | None:
        """The algorithm and public key named `kid`, or None where the issuer does not publish it or revoked it.

        Raises `StaleView` while no key is known at all.
        """
        found = self._keys.key(kid)
        return None if self.view.key_is_revoked(kid) else found

    def knows(self, kid: str) -> bool:
        """Whether `key` would make no request now."""
        return self._keys.knows(kid)

    # Revocations

    def is_revoked(self, claims: Mapping[str, Any]) -> bool:
        """Whether something that a token with these claims stands on is dead, as far as this process has heard.

        No input or output, but for the first tokens of a process, which wait for the first view.
        """
        if not self._following or not self._first_view.is_set():
            self.start()
        return self.view.is_revoked(claims)

    @property
    def age(self) -> float:
        """Seconds since the view was last known to be complete; infinite before the first."""
        return time.monotonic() - self._seen_at

    def refresh(self) -> None:
        """Ask the feed once. Raises `Unreachable`; the follower does this every `poll` seconds."""
        asked_at = time.monotonic()
        while self._news():
            pass
        self._seen_at = asked_at
        self._first_view.set()

    def hurry(self) -> None:
        """Ask the feed now: something was pushed."""
        self._wake.set()

    def start(self) -> None:
        """Follow the feed in this process, and wait for the first view, `timeout` seconds at most."""
        with self._starting:
            if not self._following:
                self._first_view, self._wake, self._stopped = threading.Event(), threading.Event(), threading.Event()
                threading.Thread(target=self._follow, name="revocations", daemon=True).start()
                self._following = True
        self._first_view.wait(self._timeout)

    def stop(self) -> None:
        """End the follower; the next token that is checked starts another."""
        self._stopped.set()
        self._wake.set()
        self._following = False

    def _follow(self) -> None:
        stopped, wake, pause = self._stopped, self._wake, self._poll
        while not stopped.is_set():
            wake.clear()
            try:
                self.refresh()
                pause = self._poll
                if self._keys.age > self._keys_for:
                    self._keys.fetch()
            except Exception as error:  # the view grows old, and `when_stale` says what that means
                self._first_view.set()
                # Who does not answer is asked less often; an answer that is not good yet may be in a moment.
                pause = self._poll if isinstance(error, _NotGood) else min(pause * 1.5, _LONGEST_PAUSE)
            wake.wait(pause * random.uniform(0.9, 1.0))  # noqa: S311 - many APIs should not ask in step

    def _news(self) -> bool:
        """One question; whether there is more to ask at once."""
        asked_at = time.monotonic()
        headers = {"If-None-Match": self._etag} if self._etag else {}
        answer = self._line.get(self._where(), headers)
        if answer.status == 304:
            if self._as_of is not None and asked_at - self._as_of[1] < _UNSIGNED_FOR:
                return False
            self._etag = ""  # nobody signs a 304
            return True
        body = answer.body.decode("ascii", "replace")
        try:
            self._keys.want(declared_header(body, longest=MOST_BYTES).key_id)
            claims = signed_claims(body, self, types=[FEED_TYPE], longest=MOST_BYTES).claims
        except InvalidToken as error:
            raise _NotGood(f"the feed's signature: {error}") from error
        try:
            if claims["iss"] != self.url:
                raise _NotGood("the feed is another issuer's")
            self._is_of_now(float(claims["as_of"]), asked_at)
            entries = [(str(entry["kind"]), str(entry["id"]), entry.get("epoch")) for entry in claims["entries"]]
            self.view.take(str(claims["feed"]), int(claims["from"]), int(claims["to"]), entries)
        except Gap:
            self.view.start_over()
            self._etag = ""
            return True
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Unreachable(f"the feed's form: {error!r}") from error
        more = bool(claims.get("more"))
        self._etag = "" if more else answer.headers.get("etag", "")
        return more

    def _is_of_now(self, as_of: float, asked_at: float) -> None:
        """Whoever stands between may give out an old answer, signed as it is: time must go on from one to the next.

        By the issuer's clock alone; where that was set back, the answers are believed again after a while.
        """
        if self._as_of is not None:
            before, then = self._as_of
            if as_of < before + (asked_at - then) - _LATE and asked_at - then < _DISTRUSTED_FOR:
                raise _NotGood("an old answer of the feed")
        self._as_of = (as_of, asked_at)

    def _where(self) -> str:
        """Caches keep whole seconds, and up to two for one. With the half second in the address, an answer is shared by
        all who ask within it and given to nobody later."""
        url = self._keys.endpoint("revocations_endpoint", "/.well-known/revocations")
        return f"{url}?after={self.view.sequence}&at={int(time.time() * 2)}"

    # Introspection

    @property
    def can_introspect(self) -> bool:
        """Whether this API has credentials to ask with."""
        return self._introspection.can_introspect

    def introspect(self, token: str) -> Mapping[str, Any] | None:
        """What introspection says of an active token, or None where it is not active. Raises `Unreachable`."""
        return self._introspection.introspect(token)


class _NotGood(Unreachable):
    """An answer came, and it cannot be believed."""


_issuers: "weakref.WeakSet[Issuer]" = weakref.WeakSet()


def _after_fork() -> None:
    for issuer in list(_issuers):
        issuer._new_process()


os.register_at_fork(after_in_child=_after_fork)
