"""An API that checks AuthCenter's tokens (`api_site`): its view open, with a token seen before, and at first sight."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from bench.peers import processes
from bench.peers.authcenter import demo
from bench.peers.credentials import bearer
from bench.peers.processes import Server
from bench.peers.works import SPARE, Cell
from bench.peers.wrk import Ask, Lines
from tests.services import free_port

MOST_PER_SECOND = 4_000
"""More tokens at first sight are not made for a second, for each of two ways to check them."""


def tokens(seconds: float) -> int:
    """How many are wanted, to be made where they are signed."""
    return 2 * (int(MOST_PER_SECOND * seconds) + SPARE)


@contextmanager
def server(core: int, log: Path, issuer: Path) -> Iterator[Server]:
    """`issuer` is the data folder of the AuthCenter that made the tokens."""
    about, port = demo(issuer), free_port()
    environment = {**os.environ, "BENCH_ISSUER": about["issuer"]}
    environment["BENCH_AUDIENCE"] = about["apis"]["demo"]["identifier"]
    with processes.running(
        processes.granian("bench.peers.api_site:application", port),
        url=f"http://127.0.0.1:{port}",
        ready="/open",
        core=core,
        log=log,
        environment=environment,
    ) as started:
        yield started


def cells(started: Server, issuer: Path) -> list[Cell]:
    tokens = (issuer / "tokens").read_text().split()
    seen, fresh = tokens[0], tokens[1:]
    half = len(fresh) // 2
    ways = {"offline": Lines(fresh[:half]), "checked": Lines(fresh[half:])}

    def again(way: str) -> Ask:
        return Ask(f"/{way}", headers=bearer(seen), says='"ok"')

    def first(way: str) -> Ask:
        return Ask(f"/{way}", lines=ways[way], bearer=True, says='"ok"')

    found = [Cell("drf_open", "drf", "", started, lambda: Ask("/open", says='"ok"'))]
    for way in ways:
        found.append(Cell(f"drf_{way}_seen", "authcenter", "", started, partial(again, way)))
        found.append(Cell(f"drf_{way}_first", "authcenter", "", started, partial(first, way)))
    return found
