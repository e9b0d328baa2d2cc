"""Whether a worker grows: its memory over a million requests (client credentials), with BENCH=full."""

import time
from collections.abc import Sequence
from typing import Any

from bench.peers import wrk
from bench.peers.works import Cell

REQUESTS, STEP_SECONDS, MOST_SECONDS = 1_000_000, 20, 1_800
_SETTLED = 10
"""A tenth of the requests fill caches and pools, and are not counted."""

Point = tuple[int, float]
"""Requests so far, and megabytes."""


def measured(cell: Cell, requests: int = REQUESTS, step: float = STEP_SECONDS) -> dict[str, Any]:
    """So many requests, or as many as half an hour takes. Raises `wrk.Failed`."""
    assert cell.ask is not None
    points: list[Point] = [(0, cell.running.worker_megabytes())]
    began = time.monotonic()
    while points[-1][0] < requests and time.monotonic() < began + MOST_SECONDS:
        ran = wrk.run(cell.running.url, cell.ask(), step)
        points.append((points[-1][0] + ran.requests, cell.running.worker_megabytes()))
    answered = points[-1][0]
    return {"requests": answered, "mb_per_100_000": round(slope(points, after=answered // _SETTLED), 2)}


def slope(points: Sequence[Point], after: int) -> float:
    """Megabytes in 100,000 requests: the line that fits best (least squares) to what was seen `after` so many."""
    kept = [point for point in points if point[0] >= after]
    if len(kept) < 2:
        return 0.0
    middle = sum(at for at, _size in kept) / len(kept)
    size = sum(size for _at, size in kept) / len(kept)
    rise = sum((at - middle) * (seen - size) for at, seen in kept)
    return rise / sum((at - middle) ** 2 for at, _seen in kept) * 100_000
