"""The same work on AuthCenter and on its peers, in turn, on one core each: docs/performance.md says how.

Servers have the first core, and one at a time is loaded; wrk, PostgreSQL and everything else have the others.

python -m bench.against_peers [work ...]
"""

import os
import signal
import statistics
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import figures
from bench.peers import sign_in, wrk
from bench.peers.machine import described
from bench.peers.results import rows
from bench.peers.starting import Peers
from bench.peers.statements import Databases, postgresql
from bench.peers.works import AGAINST, NAMES, ONCE, POSTGRESQL, SQLITE, WORKS, Cell
from bench.peers.wrk import Failed

MODE = os.environ.get("BENCH", "")
FULL = MODE == "full"
ROUNDS, SECONDS, WARM = {"full": (5, 5, 3), "smoke": (1, 1, 1)}.get(MODE, (3, 1, 1))
"""In seconds. More rounds say more than longer ones. `smoke` shows that all runs; its figures say nothing."""

COUNTED = 15
"""Requests whose SQL is counted, one by one: the median leaves out what background jobs ask now and then."""

ON_SQLITE = {"client_credentials_es256", "client_credentials_opaque", "code", "refresh"}
"""Of what is the same on both, this much on SQLite too; with BENCH=full, all."""

ONLY_FULL = {("toolkit", "jwks"), ("toolkit", "discovery"), ("toolkit", "drf_simplejwt_stateless")}
LEFT_OUT = (
    "The network (all is on this machine), TLS, and what PostgreSQL itself costs: it has the other core.",
    "The sign-in page and the full sign-in have no peer: neither library comes with pages to sign in on.",
    "How a worker's memory grows over a million requests: `bench.growth`.",
)


@dataclass
class Figures:
    """Of one cell: rates in requests per second, latencies in milliseconds, CPU in microseconds a request."""

    rates: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    statements: float | None = None
    megabytes: float | None = None
    error: str = ""


def run(only: Sequence[str] = ()) -> dict[str, Any]:
    """`only` some work, by its name in `works.WORKS`; with it goes what it is held against."""
    if unknown := set(only) - WORKS.keys():
        raise SystemExit(f"There is no work {', '.join(sorted(unknown))}. There is {', '.join(WORKS)}.")
    wanted = {*only, *(against.work for work in only for against in AGAINST.get(work, ()))}
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise SystemExit("This needs two cores: one for the server, one for the load.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    os.sched_setaffinity(0, cores[1:])  # and so for all that is started from here
    try:
        with ExitStack() as stack:
            # Its own processes' user must pass through; nothing in it but the cluster is for others to read.
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="authcenter-peers-")))
            folder.chmod(0o711)
            databases = stack.enter_context(postgresql(folder / "postgresql"))
            walks_a_list = not wanted or bool(wanted & ONCE)
            seconds = WARM + (ROUNDS + 0.5) * SECONDS if walks_a_list else 0
            peers = Peers(stack, folder, databases, cores[0], seconds, left_out=list(LEFT_OUT))
            peers.start(cores)
            cells = sorted((cell for cell in peers.cells if _is_due(cell, wanted)), key=_place)
            found = _measured(cells, databases)
    finally:
        os.sched_setaffinity(0, cores)
    return {
        "machine": described(),
        "argon2_ms": round(sign_in.argon2_milliseconds(), 1),
        "rounds": ROUNDS,
        "seconds": SECONDS,
        "connections": wrk.CONNECTIONS,
        "left_out": peers.left_out,
        "cells": [_told(cell, found[cell.key]) for cell in cells],
    }


def _is_due(cell: Cell, wanted: set[str]) -> bool:
    if wanted:
        return cell.work in wanted
    if FULL:
        return True
    if cell.database == SQLITE and cell.work not in ON_SQLITE:
        return False
    return (cell.server, cell.work) not in ONLY_FULL


def _place(cell: Cell) -> tuple[int, int, str]:
    """Who does the same work is asked one after the other."""
    return list(WORKS).index(cell.work), list(NAMES).index(cell.server), cell.database


def _measured(cells: Sequence[Cell], databases: Databases) -> dict[tuple[str, str, str], Figures]:
    found = {cell.key: Figures() for cell in cells}
    for number in range(ROUNDS + 1):
        print(f"round {number} of {ROUNDS}" if number else f"warming up, of {len(cells)} pieces of work", flush=True)
        for cell in cells:
            about = found[cell.key]
            if about.error:
                continue
            try:
                if number == 0:
                    _begin(cell, about, databases)
                elif cell.seconds is None or number == 1:
                    _one_run(cell, about, cell.seconds or SECONDS)
            except Failed as error:
                about.error = str(error)
                print(f"{WORKS[cell.work]}, {NAMES[cell.server]}: {error}", file=sys.stderr, flush=True)
    for cell in cells:
        found[cell.key].megabytes = cell.running.worker_megabytes() or None
    return found


def _begin(cell: Cell, about: Figures, databases: Databases) -> None:
    """See that the answer is right, warm up, count SQL."""
    if cell.load is not None:
        cell.load(WARM)
        return
    assert cell.ask is not None
    wrk.verify(cell.running.url, cell.ask())
    if cell.seconds is None:
        wrk.run(cell.running.url, cell.ask(), WARM)
    if cell.database == POSTGRESQL:
        counts = []
        with databases.counting(cell.server) as since:
            for _ in range(COUNTED if cell.seconds is None else 1):
                wrk.verify(cell.running.url, cell.ask())
                counts.append(since())
        about.statements = statistics.median(counts)


def _one_run(cell: Cell, about: Figures, seconds: float) -> None:
    ask = cell.ask() if cell.ask is not None else None
    if ask is not None:
        wrk.verify(cell.running.url, ask)  # still as it was: wrk itself looks at no more than the status
    before = cell.running.cpu_seconds()
    if ask is not None:
        ran = wrk.run(cell.running.url, ask, seconds, cell.connections)
    else:
        assert cell.load is not None
        ran = cell.load(seconds)
    used = cell.running.cpu_seconds() - before
    if cell.seconds is not None and ask is not None:
        wrk.verify(cell.running.url, ask)  # which waits until what was sent at the end is answered
    about.rates.append(ran.rate)
    about.p50.append(ran.p50)
    about.p99.append(ran.p99)
    about.cpu.append(used / ran.requests * 1e6)


def _told(cell: Cell, about: Figures) -> dict[str, Any]:
    def median(values: list[float], digits: int) -> float | None:
        return round(statistics.median(values), digits) if values else None

    return {
        "work": cell.work,
        "server": cell.server,
        "database": cell.database,
        "per_second": median(about.rates, 1),
        "p50_ms": median(about.p50, 2),
        "p99_ms": median(about.p99, 2),
        "cpu_us": median(about.cpu, 1) if cell.running.process else None,
        "statements": about.statements,
        "megabytes": round(about.megabytes) if about.megabytes else None,
        "error": about.error,
        "runs": about.rates,
    }


if __name__ == "__main__":
    told = run(sys.argv[1:])
    print(figures.table(("against_peers", row) for row in rows(told)))
    print(figures.keep("against_peers", told, rows(told)))
