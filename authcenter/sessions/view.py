"""Is what a token stands on dead? Exactly, by asking the tables; or by this process's view, which asks nobody.

The view is never older than `BOUND_SECONDS`: the request that finds it older than `FRESH_SECONDS` looks, and the others
go on. So a revocation is known to every worker of every node in that time, at some ten statements a second and worker,
however many requests there are; and there is no thread that could die or be lost in a fork.
"""

import threading
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import structlog
from django.db import connection, transaction
from django.db.models import Q

from authcenter.keys.ring import ring
from authcenter.resource_server.signature import JoseKey
from authcenter.resource_server.view import Entry, View, gone_through
from authcenter.sessions.models import Feed, Revocation

FRESH_SECONDS = 0.1
"""A view of this age is good enough; the request that finds it older asks for the news."""

BOUND_SECONDS = 0.2
"""Who finds the view older than this waits for the one that looks. With the look itself well under 0.3 s."""

_LOOK_AGAIN = 0.02

log = structlog.get_logger("authcenter.sessions")


def about(claims: Mapping[str, Any]) -> Q:
    """The revocations that would kill a token with these claims, as one condition (one statement)."""
    dead = Q(pk__in=[])
    for kind, name in (
        (Revocation.Kind.SESSION, "sid"),
        (Revocation.Kind.AUTHORIZATION, "gid"),
        (Revocation.Kind.FAMILY, "fid"),
        (Revocation.Kind.MEMBERSHIP, "mid"),
        (Revocation.Kind.TOKEN, "jti"),
    ):
        if isinstance(claims.get(name), str):
            dead |= Q(kind=kind, subject=claims[name])
    for kind, name, epoch in (
        (Revocation.Kind.USER, "sub", "uep"),
        (Revocation.Kind.APPLICATION, "client_id", "aep"),
    ):
        if isinstance(claims.get(name), str) and isinstance(claims.get(epoch), int):
            dead |= Q(kind=kind, subject=claims[name], epoch__gt=claims[epoch])
    for application, reached in gone_through(claims):
        dead |= Q(kind=Revocation.Kind.APPLICATION, subject=application, epoch__gt=reached)
    return dead


def is_revoked(claims: Mapping[str, Any]) -> bool:
    """Whether a token with these claims was taken back. Exact; one statement."""
    return Revocation.objects.filter(about(claims)).exists()


class Position(NamedTuple):
    """Where the feed stood at the time `as_of` (Unix, seconds); before the first revocation it has no name."""

    feed: str
    sequence: int
    as_of: float


class Follower:
    """A `KeySource` and a `RevocationSource` in this process: what the database said, at most `BOUND_SECONDS` ago."""

    def __init__(self) -> None:
        self._looking = threading.Lock()
        self.forget()

    def key(self, kid: str) -> tuple[str, JoseKey] | None:
        """The algorithm and public key named `kid`, or None where it is unknown or was revoked as compromised."""
        if not connection.in_atomic_block:
            self._look_if_old()
        return None if self._view.key_is_revoked(kid) else ring.key(kid)

    def is_revoked(self, claims: Mapping[str, Any]) -> bool:
        """Whether something that a token with these claims stands on is dead, at most `BOUND_SECONDS` ago."""
        if connection.in_atomic_block:  # what is seen here may be rolled back, and its number given to another act
            return is_revoked(claims)
        self._look_if_old()
        return self._view.is_revoked(claims)

    def position(self, at_least: int = 0) -> Position:
        """Where the feed stood, at most `BOUND_SECONDS` ago; and now, where it is not at `at_least` yet."""
        if connection.in_atomic_block:
            return _position_now()
        self._look_if_old()
        # Who asks has been told more by another worker, or makes it up: so not at every request.
        if self._position.sequence < at_least and time.monotonic() - self._looked_at > _LOOK_AGAIN:
            self.look()
        return self._position

    def look(self) -> None:
        """Ask for the news now, whatever the age of the view: one statement."""
        with self._looking:
            if not connection.in_atomic_block:
                self._look()

    @property
    def age(self) -> float:
        """Always fresh: who asks has looked, or got an exception."""
        return 0.0

    def hurry(self) -> None:
        """Once the present transaction is committed, the next question looks: an act of this process counts at once."""
        transaction.on_commit(self._grow_old)

    def forget(self) -> None:
        """Begin anew."""
        self._view, self._position = View(), Position("", 0, 0.0)
        self._grow_old()

    def _grow_old(self) -> None:
        self._looked_at = float("-inf")

    def _look_if_old(self) -> None:
        age = time.monotonic() - self._looked_at
        if age > FRESH_SECONDS and self._looking.acquire(blocking=age > BOUND_SECONDS):
            try:
                if time.monotonic() - self._looked_at > FRESH_SECONDS:
                    self._look()
            finally:
                self._looking.release()

    def _look(self) -> None:
        asked_at = time.monotonic()
        found = _position_now()
        if (found.feed, found.sequence) != (self._view.feed, self._view.sequence):
            self._catch_up(found.feed, found.sequence)
        self._position, self._looked_at = found, asked_at

    def _catch_up(self, feed: str, sequence: int) -> None:
        start = self._view.sequence
        if feed != self._view.feed or sequence < start:
            if feed == self._view.feed:
                log.error("feed_went_back", feed=feed, known=start, found=sequence)
            start = 0
        # Whatever the clock says: what is over goes by sweeping, and a clock that leaps hides nothing.
        rows = Revocation.objects.filter(sequence__gt=start).order_by("sequence")
        entries: list[Entry] = []
        last = sequence
        for number, kind, subject, epoch in rows.values_list("sequence", "kind", "subject", "epoch").iterator():
            entries.append((kind, subject, epoch))
            last = max(last, number)  # committed since `sequence` was read, and so all before it
        self._view.take(feed, start, last, entries)
        if any(kind == Revocation.Kind.KEY for kind, _subject, _epoch in entries):
            ring.forget()  # another worker revoked it: this one must not go on signing with it


def _position_now() -> Position:
    """Asks the table; one statement."""
    as_of = time.time()  # before the look, so that nothing is ever younger than it says
    feed, sequence = Feed.objects.filter(pk=1).values_list("feed", "sequence").first() or ("", 0)
    return Position(str(feed), int(sequence), as_of)


follower = Follower()
