"""What requests notice while a million expired rows go: their p99 before, and during.

The rows are families and the codes that bought them, written among the living ones, so that they lie in the same
indexes. The load is what touches those tables: refreshing, userinfo, and tokens of a machine.
"""

import itertools
import threading
import time
from collections import defaultdict
from typing import Any

import psycopg

from bench import scale_data, scale_load
from bench.figures import Row, quantile
from bench.scale_rows import TABLES

BEFORE_SECONDS = 30
TARGET = 2.0
_OVER = "now() - interval '200 days'"
SWEEP = "from authcenter.server.sweeping import sweep; print({name: count for name, count in sweep() if count})"


def disturbance(port: int, database: str, machine: dict[str, str], people: list[scale_load.Person], rows: int) -> Any:
    """`rows` are those of the database; a tenth of them is added, a million at most. Who sweeps is a process beside the
    server, so that its work is told from the server's; the server's own job must be kept from it by the caller."""
    expired = min(1_000_000, max(1_000, rows // 10))
    _add(database, rows, expired)
    before = _hammered(port, people, machine, lambda: time.sleep(BEFORE_SECONDS))
    began = time.monotonic()
    during = _hammered(port, people, machine, lambda: print(scale_data.python(database, SWEEP).strip(), flush=True))
    return {"rows": 2 * expired, "seconds": round(time.monotonic() - began, 1), "before": before, "during": during}


def _add(database: str, rows: int, expired: int) -> None:
    for table, column, over in (
        ("oauth_family", "id", {"token_hash": "md5('x' || n)"}),
        ("oauth_grant", "family", {"code": "'x' || n"}),
    ):
        values = TABLES[table] | over | {column: "md5('over' || n)::uuid", "expires": _OVER, "absolute_expires": _OVER}
        values = {name: value for name, value in values.items() if name in TABLES[table]}
        insert = f"INSERT INTO {table} ({', '.join(values)}) SELECT {', '.join(values.values())}"
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute(f"{insert} FROM generate_series(1::bigint, {expired}) AS n".replace("{rows}", str(rows)))
            connection.execute(f"ANALYZE {table}")
        print(f"{expired:,} expired rows in {table}", flush=True)


def _hammered(port: int, people: list[scale_load.Person], machine: dict[str, str], act: Any) -> dict[str, Any]:
    """What two clients saw while `act` ran."""
    taken: dict[str, list[float]] = defaultdict(list)
    over = threading.Event()
    failed: list[BaseException] = []

    def come() -> None:
        try:
            for person in itertools.cycle(people):
                if over.is_set():
                    return
                scale_load.visit(port, person, taken)
        except (SystemExit, OSError) as fault:
            failed.append(fault)

    def ask() -> None:
        try:
            while not over.is_set():
                scale_load.machine(port, machine, taken, 20)
        except (SystemExit, OSError) as fault:
            failed.append(fault)

    threads = [threading.Thread(target=come), threading.Thread(target=ask)]
    for thread in threads:
        thread.start()
    try:
        act()
    finally:
        over.set()
        for thread in threads:
            thread.join()
    if failed:
        raise failed[0]
    counted = ("refresh", "userinfo", "client credentials")
    return {
        what: {share: round(quantile(taken[what], at) * 1000, 2) for share, at in (("p50_ms", 0.5), ("p99_ms", 0.99))}
        | {"times": len(taken[what])}
        for what in counted
    }


def rows(found: dict[str, Any]) -> list[Row]:
    return [
        Row(
            f"{what}, p99 before and while {found['rows']:,} expired rows go ({found['seconds']} s)",
            f"{before['p99_ms']} ms, {found['during'][what]['p99_ms']} ms",
            f"< {TARGET:.0f} ×",
            found["during"][what]["p99_ms"] < TARGET * before["p99_ms"],
        )
        for what, before in found["before"].items()
    ]
