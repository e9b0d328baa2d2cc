"""Everybody is started and filled, on all cores, several at once; loaded they are one at a time, and on their core."""

import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bench.peers import api, authcenter, named, node, plain, toolkit
from bench.peers.processes import NotRunning
from bench.peers.statements import Databases
from bench.peers.works import NAMES, POSTGRESQL, SQLITE, Cell
from bench.peers.wrk import Failed

Step = tuple[str, Callable[[], list[Cell]]]


@dataclass
class Peers:
    """What runs, until `stack` is left, and what does not."""

    stack: ExitStack
    folder: Path
    databases: Databases
    core: int
    seconds: float
    """Load that each work's list of what is good once must last for; 0 where none is walked."""

    cells: list[Cell] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def start(self, cores: Sequence[int]) -> None:
        """In two lines; AuthCenter's two share the folder of static files, so they are in the same."""

        def line(steps: Sequence[Step]) -> None:
            os.sched_setaffinity(0, cores)  # of this thread, and what it starts: nothing is timed yet
            for what, make in steps:
                self._add(what, make)

        ours = [
            ("AuthCenter on PostgreSQL", lambda: self._authcenter(POSTGRESQL)),
            ("AuthCenter on SQLite", lambda: self._authcenter(SQLITE)),
            ("the API on Django REST framework", self._api),
        ]
        others = [
            ("django-oauth-toolkit on PostgreSQL", lambda: self._toolkit(POSTGRESQL)),
            ("django-oauth-toolkit on SQLite", lambda: self._toolkit(SQLITE)),
            (NAMES["node"], self._node),
            (NAMES["plain"], self._plain),
        ]
        if os.environ.get("BENCH_URL"):
            others.append(("the server at BENCH_URL", named.cells))
        else:
            self.left_out.append("A server of one's own: none is named by BENCH_URL.")
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(line, (ours, others)))

    def _add(self, what: str, make: Callable[[], list[Cell]]) -> None:
        """What does not start is left out, and said."""
        began = time.monotonic()
        try:
            self.cells += make()
        except (Failed, NotRunning, node.Missing) as error:
            self.left_out.append(f"{what}: {error}")
            print(f"{what} is left out: {error}", file=sys.stderr, flush=True)
        else:
            print(f"{what} runs ({time.monotonic() - began:.0f} s)", flush=True)

    def _database(self, kind: str, name: str) -> str:
        return self.databases.create(name) if kind == POSTGRESQL else f"sqlite:///{self.folder}/{name}.sqlite3"

    def _data(self, kind: str) -> Path:
        return self.folder / f"authcenter-{kind.lower()}"

    def _authcenter(self, kind: str) -> list[Cell]:
        tokens = api.tokens(self.seconds) if kind == POSTGRESQL else 0
        url, data = self._database(kind, "authcenter"), self._data(kind)
        return authcenter.cells(
            self.stack.enter_context(authcenter.server(self.core, data, url, self.seconds, tokens)), data, kind
        )

    def _toolkit(self, kind: str) -> list[Cell]:
        url, own = self._database(kind, "toolkit"), self.folder / f"toolkit-{kind.lower()}"
        return toolkit.cells(
            self.stack.enter_context(toolkit.server(self.core, own, kind, url, self.seconds)), own, kind
        )

    def _api(self) -> list[Cell]:
        issuer = self._data(POSTGRESQL)
        return api.cells(self.stack.enter_context(api.server(self.core, self.folder / "api.log", issuer)), issuer)

    def _plain(self) -> list[Cell]:
        return plain.cells(self.stack.enter_context(plain.server(self.core, self.folder / "plain.log")))

    def _node(self) -> list[Cell]:
        own = self.folder / "node"
        return node.cells(self.stack.enter_context(node.server(self.core, own, self.seconds)), own)
