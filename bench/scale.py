"""How each cost grows with the rows: p50 on an almost empty database and on those of `make bench-data`, in alternation.

A server of one worker for each database, as `manage.py serve` runs it, all on one PostgreSQL and one Redis; one request
at a time. The people who come are picked at random from the whole, so that a run meets pages that nobody has read
lately. Then, on the largest, expired rows are swept while requests are timed; and on the smallest, two workers are
compared with one.

ROWS="1000 10000 100000 1000000 10000000" python -m bench.scale [part ...]

Parts are those of PARTS, and all of them where none is named. With `again`, which is no part of all, each person comes
a second time at once: what that costs less are pages that were not in memory.
"""

import json
import os
import random
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from bench import production_like, scale_data, scale_load, scale_sweep, scale_workers
from bench.figures import Row, quantile
from tests import services

EMPTY = 1_000
"""Rows of the database that counts as empty: the people who come, and what is theirs."""

SIZES = (EMPTY, 10_000, 100_000, 1_000_000, 10_000_000)
ROUNDS, VISITS, LOOKS, MACHINES = 6, 15, 4, 40
PARTS = ("visits", "console", "machine", "sweep", "workers")
TARGET = 1.2
KEPT_FROM_SWEEPING = "from django.core.cache import cache; cache.set('cleanup', True, timeout=99999)"
Taken = dict[str, list[float]]


@dataclass
class Subject:
    """A server on one of the databases."""

    rows: int
    database: str
    port: int
    environment: dict[str, str]
    people: list[scale_load.Person]
    console: scale_load.Client
    taken: Taken = field(default_factory=lambda: defaultdict(list))

    @property
    def machine(self) -> dict[str, str]:
        """The demo's application that is one."""
        return dict(_demo(self.environment)["applications"]["machine"])

    @property
    def popular(self) -> int:
        """The first of the applications: a sixth of all people have it."""
        applications = json.loads((Path(self.environment["DATA_DIR"]) / "applications.json").read_text())
        return min(map(int, applications))

    def round(self, people: list[scale_load.Person], taken: Taken, parts: Sequence[str]) -> None:
        times = 2 if "again" in parts else 1
        repeated: Taken = defaultdict(list)
        for person in people if "visits" in parts else ():
            for into in (taken, repeated)[:times]:
                scale_load.visit(self.port, person, into)
        for person in people[:LOOKS] if "console" in parts else ():
            for into in (taken, repeated)[:times]:
                scale_load.look(self.console, person, self.popular, into)
        if "machine" in parts:
            scale_load.machine(self.port, self.machine, taken, MACHINES)
        for what, seconds in repeated.items():
            taken[f"{what}, again"] += seconds


def run(parts: Sequence[str] = PARTS) -> dict[str, Any]:
    sizes = sorted(map(int, os.environ.get("ROWS", " ".join(map(str, SIZES))).split()))
    cores = sorted(os.sched_getaffinity(0))
    with ExitStack() as running:
        # Servers have the first core, who asks and the databases the others: else a request costs half a millisecond
        # more or less by where the kernel happens to have put both.
        running.enter_context(_on(cores[1:] or cores))
        url = running.enter_context(scale_data.cluster())
        redis = running.enter_context(services.redis())
        databases = [scale_data.database(url, rows) for rows in sizes]
        subjects = [
            running.enter_context(_subject(rows, database, f"{redis}/{number}", cores[:1]))
            for number, (rows, database) in enumerate(zip(sizes, databases, strict=True))
        ]
        _alternate(subjects, parts)
        least, most = subjects[0], subjects[-1]
        found: dict[str, Any] = {"sizes": {str(one.rows): _told(one) for one in subjects}}
        if "sweep" in parts:
            scale_data.python(most.database, KEPT_FROM_SWEEPING, most.environment["CACHE_URL"])
            found["sweep"] = scale_sweep.disturbance(most.port, most.database, most.machine, most.people, most.rows)
        if "workers" in parts:
            with _on(cores):
                found["workers"] = scale_workers.compared(least.environment)
        return found


@contextmanager
def _on(cores: Sequence[int]) -> Iterator[None]:
    """What is started meanwhile runs on these cores alone, as this process does."""
    kept = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, kept)


@contextmanager
def _subject(rows: int, database: str, cache: str, cores: Sequence[int]) -> Iterator[Subject]:
    with ExitStack() as running:
        port = services.free_port()
        environment = scale_data.environment(database, cache) | {"PORT": str(port), "WORKERS": "1"}
        log = Path(environment["DATA_DIR"]) / "server.log"
        with _on(cores):
            running.enter_context(production_like.server(environment, log))
        people = scale_load.people(database, rows, VISITS * (ROUNDS + 1))
        admin = _demo(environment)["people"]["admin"]
        yield Subject(rows, database, port, environment, people, scale_load.operator(port, admin))


def _demo(environment: dict[str, str]) -> dict[str, Any]:
    return dict(json.loads((Path(environment["DATA_DIR"]) / "demo.json").read_text()))


def _alternate(subjects: list[Subject], parts: Sequence[str]) -> None:
    """Round by round, in another order each time; the first warms up and is not counted."""
    for number in range(ROUNDS + 1):
        print(f"round {number} of {ROUNDS}", flush=True)
        for one in random.sample(subjects, len(subjects)):
            people = one.people[number * VISITS : (number + 1) * VISITS]
            one.round(people, one.taken if number else defaultdict(list), parts)


def _told(one: Subject) -> dict[str, Any]:
    with psycopg.connect(one.database) as connection:
        size = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    ms = {
        what: {"p50_ms": _ms(times, 0.5), "p99_ms": _ms(times, 0.99), "times": len(times)}
        for what, times in one.taken.items()
    }
    return {"bytes": size[0] if size else 0, "costs": ms}


def _ms(times: list[float], share: float) -> float:
    return round(quantile(times, share) * 1000, 2)


def rows(found: dict[str, Any]) -> list[Row]:
    sizes = sorted(found["sizes"], key=int)
    least, most = found["sizes"][sizes[0]]["costs"], found["sizes"][sizes[-1]]["costs"]
    return [
        *(_compared(what, sizes, least[what]["p50_ms"], most[what]["p50_ms"]) for what in least),
        *(scale_sweep.rows(found["sweep"]) if "sweep" in found else ()),
        *(scale_workers.rows(found["workers"]) if "workers" in found else ()),
    ]


def _compared(what: str, sizes: list[str], least: float, most: float) -> Row:
    between = f"{what}, p50 with {int(sizes[0]):,} and {int(sizes[-1]):,} rows"
    return Row(between, f"{least} ms, {most} ms: {most / least:.2f} ×", f"≤ {TARGET} ×", most <= TARGET * least)


if __name__ == "__main__":
    for row in rows(run(sys.argv[1:] or PARTS)):
        print(*row)
