"""What the benches share: figures as rows of one table, quantiles, and a file for machines."""

import json
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

RESULTS = Path(__file__).resolve().parent.parent / "build" / "bench"


class Row(NamedTuple):
    what: str
    figure: str
    target: str = ""
    met: bool | None = None
    """None where there is nothing to reach."""


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest of `values` that at least this share of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * int(share * 1000) // 1000) - 1)]


def table(rows: Iterable[tuple[str, Row]]) -> str:
    """Lines of text; `rows` are pairs of a bench's name and a row."""
    verdicts = {None: "", True: "met", False: "MISSED"}
    lines = [
        ("bench", "what", "figure", "target", ""),
        *((name, *row[:3], verdicts[row.met]) for name, row in rows),
    ]
    widths = [max(len(line[column]) for line in lines) for column in range(5)]
    padded = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "\n".join([padded[0], "-" * max(map(len, padded)), *padded[1:]])


def keep(name: str, figures: dict[str, Any], rows: Sequence[Row]) -> Path:
    """Write `build/bench/NAME.json`."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{name}.json"
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    path.write_text(
        json.dumps({"at": at, "figures": figures, "rows": [row._asdict() for row in rows]}, indent=2) + "\n"
    )
    return path
