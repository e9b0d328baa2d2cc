"""What the comparison found, told: rows of `make bench`'s table, with ratios and targets."""

from collections.abc import Iterator, Mapping
from typing import Any

from bench.figures import Row
from bench.peers.works import (
    AGAINST,
    LEAST_PER_SECOND,
    MOST_MEGABYTES,
    MOST_STATEMENTS,
    NAMES,
    WORKS,
    Against,
)

Told = Mapping[str, Any]
"""One cell, as the JSON has it."""

_OURS = "authcenter"


def find(cells: list[Told], work: str, server: str, database: str) -> Told | None:
    """A cell that has a figure."""
    key = (work, server, database)
    return next((c for c in cells if (c["work"], c["server"], c["database"]) == key and c["per_second"]), None)


def ratios(cells: list[Told], own: Told) -> Iterator[tuple[Against, Told, float]]:
    """What one of AuthCenter's cells is held against, as far as that ran, and its rate as a multiple of the other's."""
    for against in (*AGAINST.get(own["work"], ()), Against("named", own["work"], database="")):
        database = own["database"] if against.database is None else against.database
        if other := find(cells, against.work, against.server, database):
            yield against, other, own["per_second"] / other["per_second"]


def judged(cells: list[Told], own: Told) -> tuple[str, bool | None]:
    """The targets of one of AuthCenter's cells in words, and whether all were met; None where there is none."""
    words, met = [], []
    for against, _other, ratio in ratios(cells, own):
        if against.least:
            words.append(f"≥ {against.least:g} × {NAMES[against.server]}")
            met.append(ratio >= against.least)
    if (most := MOST_STATEMENTS.get(own["work"])) and own["statements"] is not None:
        words.append(f"≤ {most} SQL")
        met.append(round(own["statements"]) <= most)
    if least := LEAST_PER_SECOND.get(own["work"]):
        words.append(f"≥ {least} a second")
        met.append(own["per_second"] >= least)
    return ", ".join(words), all(met) if met else None


def rows(found: Mapping[str, Any]) -> list[Row]:
    cells: list[Told] = found["cells"]
    told = [*(_row(cells, cell) for cell in cells), *_memory(found)]
    told.append(Row("Argon2, one password, of which each full sign-in has one", f"{found['argon2_ms']:.0f} ms"))
    return [*told, *(Row("left out", what) for what in found["left_out"])]


def _row(cells: list[Told], cell: Told) -> Row:
    where = f", {cell['database']}" if cell["database"] else ""
    what = f"{NAMES[cell['server']]}{where}: {WORKS[cell['work']]}"
    if not cell["per_second"]:
        return Row(what, f"no figure: {cell['error']}")
    figure = f"{rate(cell['per_second'])} a second, p50 {cell['p50_ms']:.1f}, p99 {cell['p99_ms']:.1f} ms"
    if cell["cpu_us"] is not None:
        figure += f", {cell['cpu_us']:,.0f} µs CPU"
    if cell["statements"] is not None:
        figure += f", {cell['statements']:g} SQL"
    if cell["server"] != _OURS:
        return Row(what, figure)
    for against, other, ratio in ratios(cells, cell):
        figure += f"; {ratio:.2f} × {NAMES[against.server]} ({rate(other['per_second'])})"
    return Row(what, figure, *judged(cells, cell))


def _memory(found: Mapping[str, Any]) -> Iterator[Row]:
    """The most that any cell saw, for each server."""
    most: dict[tuple[str, str], int] = {}
    for cell in found["cells"]:
        if cell["megabytes"]:
            key = (cell["server"], cell["database"])
            most[key] = max(most.get(key, 0), cell["megabytes"])
    for (server, database), megabytes in most.items():
        if server == _OURS and not database:
            continue  # the API that checks tokens
        what = f"{NAMES[server]}{', ' * bool(database)}{database}: memory of the worker"
        target = (f"≤ {MOST_MEGABYTES} MB", megabytes <= MOST_MEGABYTES) if server == _OURS else ("", None)
        yield Row(what, f"{megabytes} MB", *target)


def rate(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
