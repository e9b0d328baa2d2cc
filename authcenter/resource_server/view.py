"""What is dead, as one process knows it: a dictionary that the feed fills, and that checking a token looks into.

It follows the feed by its numbers, takes what is pushed out of turn, and forgets nothing early: not when a snapshot
replaces the list, not when a restored backup tells an older one.
"""

import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any

KEPT_SECONDS = 90_000.0
"""An entry is kept this long after it was seen: the longest life of an access token (a day), and an hour for clocks."""

_KINDS = (("session", "sid"), ("authorization", "gid"), ("family", "fid"), ("membership", "mid"), ("token", "jti"))
_EPOCHS = (("user", "sub", "uep"), ("application", "client_id", "aep"))

Entry = tuple[str, str, int | None]
"""Kind, id, and for users and applications the epoch."""


def gone_through(claims: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Claim `via` of an exchanged token: client ID and epoch of each application whose token it was made from."""
    said = claims.get("via")
    pairs = [pair for pair in said if isinstance(pair, list | tuple)] if isinstance(said, list) else []
    return [(pair[0], pair[1]) for pair in pairs if [type(part) for part in pair] == [str, int]]


class Gap(Exception):
    """News that do not follow on what this view has: ask for a snapshot."""


class View:
    """One process's view of the revocations. Safe for threads: readers take no lock."""

    def __init__(self) -> None:
        self.feed = ""
        self.sequence = 0
        self.new_process()
        self._dead: dict[tuple[str, str], tuple[int, float]] = {}
        self._pruned_at = time.monotonic()

    def new_process(self) -> None:
        """After a fork: whoever held the lock is not in this process to give it back."""
        self._writing = threading.Lock()

    def __len__(self) -> int:
        return len(self._dead)

    def take(self, feed: str, start: int, to: int, entries: Iterable[Entry]) -> None:
        """An answer of the feed: the entries after number `start`, up to and with `to`; all of them where it is 0.

        Raises `Gap` where it neither follows on what is here nor is a snapshot. An entry that a snapshot no longer has
        stays for `KEPT_SECONDS` from when it was seen: a backup that was restored has lost it, its tokens must not.
        """
        with self._writing:
            if start != 0 and (feed, start) != (self.feed, self.sequence):
                raise Gap(f"have {self.sequence} of {self.feed or 'no feed'}, got news after {start} of {feed}")
            self._add(entries)
            self.feed, self.sequence = feed, to
            self._prune()

    def start_over(self) -> None:
        """Forget the place in the feed, not what is dead: the next answer has to be a snapshot."""
        self.sequence = 0

    def add(self, kind: str, id: str, epoch: int | None = None) -> None:
        """One revocation that came out of turn, by push. The feed's own numbers stay as they are."""
        with self._writing:
            self._add([(kind, id, epoch)])

    def is_revoked(self, claims: Mapping[str, Any]) -> bool:
        """Whether something that a token with these claims stands on is dead. No input or output."""
        dead = self._dead
        if not dead:
            return False
        for kind, name in _KINDS:
            if name in claims and (kind, claims[name]) in dead:
                return True
        for kind, name, epoch in _EPOCHS:
            found = dead.get((kind, claims.get(name, "")))
            if found is not None and found[0] > claims.get(epoch, -1):
                return True
        return "via" in claims and any(self._is_behind(*one) for one in gone_through(claims))

    def _is_behind(self, application: str, epoch: int) -> bool:
        found = self._dead.get(("application", application))
        return found is not None and found[0] > epoch

    def key_is_revoked(self, kid: str) -> bool:
        """Whether a signing key was taken back as compromised: then nothing that it signed is good."""
        return ("key", kid) in self._dead

    def _add(self, entries: Iterable[Entry]) -> None:
        now = time.monotonic()
        for kind, id, epoch in entries:
            known = self._dead.get((kind, id), (0, now))
            self._dead[kind, id] = (max(epoch or 0, known[0]), now)  # an epoch never falls

    def _prune(self) -> None:
        now = time.monotonic()
        if now - self._pruned_at < KEPT_SECONDS / 24:
            return
        self._pruned_at = now
        self._dead = {key: entry for key, entry in self._dead.items() if now - entry[1] < KEPT_SECONDS}
