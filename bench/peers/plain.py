"""The ceiling: the plainest JSON view of Django (`bench.plain`), without middleware, on the same granian."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.peers.processes import Server, granian, running
from bench.peers.works import Cell
from bench.peers.wrk import Ask
from tests.services import free_port


@contextmanager
def server(core: int, log: Path) -> Iterator[Server]:
    port = free_port()
    command = granian("bench.plain:application", port)
    with running(
        command, url=f"http://127.0.0.1:{port}", ready="/plain", core=core, log=log, environment=os.environ
    ) as started:
        yield started


def cells(started: Server) -> list[Cell]:
    return [Cell("json", "plain", "", started, lambda: Ask("/plain", says='"ok"'))]
