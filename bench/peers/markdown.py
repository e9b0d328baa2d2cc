"""The comparison as Markdown: who runs what, one table of rates and ratios, one of what a request costs."""

from collections.abc import Mapping, Sequence
from typing import Any

from bench.peers.results import Told, find, judged, rate, ratios
from bench.peers.works import NAMES, POSTGRESQL, SQLITE, WORKS

_COLUMNS = {
    "AuthCenter, PostgreSQL": ("authcenter", POSTGRESQL),
    "AuthCenter, SQLite": ("authcenter", SQLITE),
    "django-oauth-toolkit, PostgreSQL": ("toolkit", POSTGRESQL),
    "node-oidc-provider, in memory": ("node", ""),
    "other": ("", ""),
}
_VERDICT = {None: "", True: "met", False: "**missed**"}


def rendered(found: Mapping[str, Any], at: str) -> str:
    """`found` is what the bench has kept; `at` says when."""
    cells: list[Told] = found["cells"]
    runs = f"{found['rounds']} alternating runs of {found['seconds']} s, {found['connections']} connections; medians."
    parts = [
        f"Measured {at} on: {found['machine']}. {runs}",
        "Requests per second:",
        table(["work", *_COLUMNS, "ratios", "target", ""], [_rates(cells, work) for work in _works(cells)]),
        "What a request costs:",
        table(
            ["work", "server", "p50, ms", "p99, ms", "CPU of the worker, µs", "SQL", "memory of the worker, MB"],
            [_costs(cell) for cell in cells if cell["per_second"]],
        ),
        f"Argon2, in each full sign-in once: {found['argon2_ms']:.0f} ms.",
    ]
    failed = [f"{NAMES[cell['server']]}, {WORKS[cell['work']]}: {cell['error']}" for cell in cells if cell["error"]]
    parts.append("\n".join(["Left out:", "", *(f"- {what}" for what in (*found["left_out"], *failed))]))
    return "\n\n".join(parts)


def table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Columns without a single entry are left out."""
    kept = [at for at in range(len(head)) if at == 0 or any(line[at] for line in lines)]
    every = [head, ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(line[at].replace('|', chr(92) + '|') for at in kept)} |" for line in every)


def _works(cells: list[Told]) -> list[str]:
    present = {cell["work"] for cell in cells if cell["per_second"]}
    return [work for work in WORKS if work in present]


def _rates(cells: list[Told], work: str) -> list[str]:
    """One work's line. Ratios and verdict are of AuthCenter on PostgreSQL, or where no database is asked."""
    own = find(cells, work, "authcenter", POSTGRESQL) or find(cells, work, "authcenter", "")
    line = [WORKS[work]]
    for server, database in _COLUMNS.values():
        if server:
            cell = find(cells, work, server, database) or (
                own if (server, database) == ("authcenter", POSTGRESQL) else None
            )
            line.append(rate(cell["per_second"]) if cell else "")
        else:
            others = (cell for cell in cells if cell["work"] == work and cell["per_second"])
            named = [cell for cell in others if cell["server"] in {"plain", "drf", "named"}]
            line.append(", ".join(f"{NAMES[cell['server']]} {rate(cell['per_second'])}" for cell in named))
    held = ratios(cells, own) if own else ()
    told = ", ".join(f"{ratio:.2f} × {_name(against, work)}" for against, _other, ratio in held)
    target, met = judged(cells, own) if own else ("", None)
    return [*line, told, target, _VERDICT[met]]


def _name(against: Any, work: str) -> str:
    """Whose figure; and of which work, where that is another."""
    if against.work == work or against.server in {"plain", "drf"}:
        return NAMES[against.server]
    return f"{NAMES[against.server]} ({WORKS[against.work].removeprefix('DRF view, ')})"


def _costs(cell: Told) -> list[str]:
    where = f"{NAMES[cell['server']]}{', ' * bool(cell['database'])}{cell['database']}"
    return [
        WORKS[cell["work"]],
        where,
        f"{cell['p50_ms']:.1f}",
        f"{cell['p99_ms']:.1f}",
        "" if cell["cpu_us"] is None else f"{cell['cpu_us']:,.0f}",
        "" if cell["statements"] is None else f"{cell['statements']:g}",
        "" if cell["megabytes"] is None else str(cell["megabytes"]),
    ]
