"""Whether a worker grows: its memory over a million requests of many kinds, on PostgreSQL.

REQUESTS=1000000 python -m bench growth     a quarter of an hour; 300,000 take five minutes
"""

import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.figures import Row
from bench.peers import authcenter, wrk
from bench.peers.machine import described
from bench.peers.statements import postgresql
from bench.peers.works import POSTGRESQL, Cell

REQUESTS = int(os.environ.get("REQUESTS", "1000000"))
MIX = {"client_credentials_es256": 10, "userinfo": 5, "sign_in_page": 3, "refresh": 1, "sign_in": 1}
"""Seconds of each kind of work in a round, after which memory is read."""

MOST_SECONDS = 2_400
MOST_SLOPE = 1.0
"""Megabytes that a worker may grow by in 100,000 requests."""

_SETTLED = 10
"""A tenth of the requests fill caches and pools, and are not counted."""

_REFRESHES = 20
"""Every twentieth request may be a refresh, each of a family that was made before."""

Point = tuple[int, float]
"""Requests so far, and megabytes."""


def run() -> dict[str, Any]:
    """The server has the first core, everything else the others."""
    cores = sorted(os.sched_getaffinity(0))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="authcenter-growth-")))
        folder.chmod(0o711)  # PostgreSQL's user passes through
        os.sched_setaffinity(0, cores[1:] or cores)
        stack.callback(os.sched_setaffinity, 0, cores)
        url = stack.enter_context(postgresql(folder / "postgresql")).create("authcenter")
        data, seconds = folder / "data", REQUESTS / _REFRESHES / authcenter.MOST_PER_SECOND
        started = stack.enter_context(authcenter.server(cores[0], data, url, seconds))
        cells = {cell.work: cell for cell in authcenter.cells(started, data, POSTGRESQL)}
        points = _points(cells, REQUESTS)
    answered = points[-1][0]
    return {
        "machine": described(),
        "mix": MIX,
        "points": points,
        "requests": answered,
        "mb_per_100_000": round(slope(points, after=answered // _SETTLED), 2),
    }


def _points(cells: Mapping[str, Cell], requests: int) -> list[Point]:
    """So many requests, or as many as `MOST_SECONDS` are enough for. Raises `wrk.Failed`."""
    server = cells["userinfo"].running
    points: list[Point] = [(0, server.worker_megabytes())]
    began = time.monotonic()
    while points[-1][0] < requests and (spent := time.monotonic() - began) < MOST_SECONDS:
        if at := points[-1][0]:
            left = spent * (requests - at) / at / 60
            print(f"{at:,} of {requests:,} requests, {points[-1][1]:.1f} MB; {left:.0f} minutes", flush=True)
        answered = sum(_one(cells[work], seconds) for work, seconds in MIX.items())
        points.append((points[-1][0] + answered, server.worker_megabytes()))
    return points


def _one(cell: Cell, seconds: float) -> int:
    if cell.load is not None:
        return cell.load(seconds).requests
    assert cell.ask is not None
    return wrk.run(cell.running.url, cell.ask(), seconds).requests


def slope(points: Sequence[Point], after: int) -> float:
    """Megabytes in 100,000 requests: the line that fits best (least squares) to what was seen `after` so many."""
    kept = [point for point in points if point[0] >= after]
    if len(kept) < 2:
        return 0.0
    middle = sum(at for at, _size in kept) / len(kept)
    size = sum(size for _at, size in kept) / len(kept)
    rise = sum((at - middle) * (seen - size) for at, seen in kept)
    return rise / sum((at - middle) ** 2 for at, _seen in kept) * 100_000


def rows(found: Mapping[str, Any]) -> list[Row]:
    settled = next((size for at, size in found["points"] if at >= found["requests"] // _SETTLED), 0.0)
    figure = f"{found['mb_per_100_000']:+.2f} MB in 100,000 requests, over {found['requests']:,}"
    return [
        Row("growth of the worker", figure, f"< {MOST_SLOPE:g} MB", found["mb_per_100_000"] < MOST_SLOPE),
        Row("its memory after a tenth of them, and after all", f"{settled:.0f} MB, {found['points'][-1][1]:.0f} MB"),
    ]
