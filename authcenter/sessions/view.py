"""Is what a token stands on dead? Exactly, by asking the tables; or by this process's view, which asks nobody.

The view is never older than `BOUND_SECONDS`: the request that finds it older than `FRESH_SECONDS` looks, and the others
go on. So a revocation is known to every worker of every node in that time, at some ten statements a second and worker,
however many requests there are; and there is no thread that could die or be lost in a fork.
"""

import threading
import time
from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from django.db import connection, transaction
from django.db.models import BigIntegerField, CharField, IntegerField, Q
from django.utils import timezone

from authcenter.keys.ring import ring
from authcenter.prepared import Prepared, Slot
from authcenter.resource_server.signature import JoseKey
from authcenter.resource_server.view import Entry, View, gone_through
from authcenter.sessions.models import Revocation

FRESH_SECONDS = 0.1
"""A view of this age is good enough; the request that finds it older asks for the news."""

BOUND_SECONDS = 0.2
"""Who finds the view older than this waits for the one that looks. With the look itself well under 0.3 s."""

_LOOK_AGAIN = 0.02

log = structlog.get_logger("authcenter.sessions")


def about(claims: Mapping[str, Any]) -> Q:
    """The revocations that would kill a token with these claims, as one condition (one statement); with `kid` among
    them, that of its key too.

    `claims` may hold slots of a prepared query instead: `SLOTS`, to which `bound` gives the values.
    """
    dead = Q(pk__in=[])
    for kind, name in (
        (Revocation.Kind.SESSION, "sid"),
        (Revocation.Kind.AUTHORIZATION, "gid"),
        (Revocation.Kind.FAMILY, "fid"),
        (Revocation.Kind.MEMBERSHIP, "mid"),
        (Revocation.Kind.TOKEN, "jti"),
        (Revocation.Kind.KEY, "kid"),
    ):
        if isinstance(claims.get(name), str | Slot):
            dead |= Q(kind=kind, subject=claims[name])
    for kind, name, epoch in (
        (Revocation.Kind.USER, "sub", "uep"),
        (Revocation.Kind.APPLICATION, "client_id", "aep"),
    ):
        if isinstance(claims.get(name), str | Slot) and isinstance(claims.get(epoch), int | Slot):
            dead |= Q(kind=kind, subject=claims[name], epoch__gt=claims[epoch])
    for application, reached in gone_through(claims):
        dead |= Q(kind=Revocation.Kind.APPLICATION, subject=application, epoch__gt=reached)
    return dead


SLOTS: dict[str, Slot] = {
    **{name: Slot(name, CharField()) for name in ("sid", "gid", "fid", "mid", "jti", "kid", "sub", "client_id")},
    **{name: Slot(name, IntegerField()) for name in ("uep", "aep")},
}


def bound(claims: Mapping[str, Any]) -> dict[str, Any]:
    """What these claims put in the `SLOTS`: nothing where one is missing or of another type, and nothing matches that.

    Not for an exchanged token, which may have gone through any number of applications (`gone_through`).
    """
    return {
        name: value if type(value := claims.get(name)) is (int if name in {"uep", "aep"} else str) else None
        for name in SLOTS
    }


def named_in(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """Those of the `SLOTS` that these claims have: the few kinds of tokens each get a statement without the others, as
    to hand one over costs more than to look it up."""
    return tuple(name for name in SLOTS if name in claims)


def is_revoked(claims: Mapping[str, Any]) -> bool:
    """Whether a token with these claims was taken back. Exact; one statement."""
    return Revocation.objects.filter(about(claims)).exists()


class Position(NamedTuple):
    """Where the feed stood at the time `as_of` (Unix, seconds); before the first revocation it has no name.

    And what else each worker must hear of soon, in the same statement.
    """

    feed: str
    sequence: int
    as_of: float
    registry: str = ""
    """Changes with each application, API and scope (`RegistryState`)."""

    limit_is_full: bool = False
    """Whether somebody may be over some limit: then it is worth a statement to ask who."""


class Follower:
    """A `KeySource` and a `RevocationSource` in this process: what the database said, at most `BOUND_SECONDS` ago."""

    def __init__(self) -> None:
        self._looking = threading.Lock()
        self._acts = 0
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

    def heed(self, feed: str, sequence: int, entries: list[Entry]) -> None:
        """Once the present transaction is committed, these count at once: its own news, up to and with `sequence`.

        They are taken without a look where they follow on what is known: numbers have no gaps. Else the next one looks.
        """
        transaction.on_commit(lambda: self._heeded(feed, sequence, entries))

    def hurry(self) -> None:
        """Once the present transaction is committed, the next question looks: an act of this process counts at once."""
        transaction.on_commit(self._grow_old)

    def forget(self) -> None:
        """Begin anew."""
        self._view, self._position = View(), Position("", 0, 0.0)
        self._grow_old()

    def _heeded(self, feed: str, sequence: int, entries: list[Entry]) -> None:
        if not self._looking.acquire(blocking=False):
            return self._grow_old()
        try:
            known = self._view.sequence
            if known and (self._view.feed, known) == (feed, sequence - len(entries)):
                self._view.take(feed, known, sequence, entries)
                self._position = self._position._replace(sequence=sequence)
            else:
                self._grow_old()
        finally:
            self._looking.release()

    def _grow_old(self) -> None:
        self._acts += 1
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
        asked_at, acts = time.monotonic(), self._acts
        found = _position_now()
        if (found.feed, found.sequence) != (self._view.feed, self._view.sequence):
            self._catch_up(found.feed, found.sequence)
        self._position, self._looked_at = found, asked_at
        if self._acts != acts:  # committed here while this looked, and perhaps not seen
            self._looked_at = float("-inf")

    def _catch_up(self, feed: str, sequence: int) -> None:
        start = self._view.sequence
        if feed != self._view.feed or sequence < start:
            if feed == self._view.feed:
                log.error("feed_went_back", feed=feed, known=start, found=sequence)
            start = 0
        # Whatever the clock says: what is over goes by sweeping, and a clock that leaps hides nothing.
        last, entries = start, list[Entry]()
        while rows := list(_news.rows(after=last)):
            entries += [(kind, subject, epoch) for _number, kind, subject, epoch in rows]
            last = rows[-1][0]
            if len(rows) < _AT_ONCE:
                break
        # More may have been committed since `sequence` was read, and so all before it.
        self._view.take(feed, start, max(sequence, last), entries)
        if any(kind == Revocation.Kind.KEY for kind, _subject, _epoch in entries):
            ring.forget()  # another worker revoked it: this one must not go on signing with it


_AT_ONCE = 5_000
_news = Prepared(
    lambda: (
        Revocation.objects.filter(sequence__gt=Slot("after", BigIntegerField()))
        .order_by("sequence")
        .values_list("sequence", "kind", "subject", "epoch")[:_AT_ONCE]
    )
)


def _position_now() -> Position:
    """Asks the table; one statement."""
    as_of = time.time()  # before the look, so that nothing is ever younger than it says
    with connection.cursor() as cursor:
        cursor.execute(_POSITION, [connection.ops.adapt_datetimefield_value(timezone.now())])
        feed, sequence, stamp, is_full = cursor.fetchone()
    name = str(UUID(str(feed))) if feed else ""  # SQLite keeps 32 letters
    return Position(name, int(sequence or 0), as_of, str(stamp or ""), bool(is_full))


_POSITION = """
SELECT feed.feed, feed.sequence, registry.stamp, EXISTS (SELECT 1 FROM audit_refusals WHERE is_full AND ends > %s)
FROM (SELECT 1 AS id) one
LEFT JOIN signins_feed feed ON feed.id = one.id
LEFT JOIN signins_registrystate registry ON registry.id = one.id
"""
"""By hand: none of the rows need be there, and it is asked ten times a second."""


follower = Follower()
