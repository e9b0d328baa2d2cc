"""Rows written per million machine tokens (client credentials), on PostgreSQL, with keys left in Redis beside them.

PostgreSQL itself counts rows inserted, changed and deleted, in every table: also by the jobs that run meanwhile.

python -m bench.rows_per_token [tokens]
"""

import http.client
import sys
import threading
import time
from base64 import b64encode
from typing import Any
from urllib.parse import urlencode, urlsplit

import psycopg
import redis

from bench import production_like
from bench.figures import Row

STOCK = 1_000_000
"""django-oauth-toolkit as it comes: each token is a row of oauth2_provider_accesstoken."""

TARGET = 1_000
CLIENTS = 4
FLUSHED_SECONDS = 12
"""A connection of PostgreSQL that is idle tells its counts within ten."""


def run(tokens: int = 10_000) -> dict[str, Any]:
    with production_like.stack_of_one_run() as stack:
        machine = stack.demo["applications"]["machine"]
        _ask(stack.nodes, machine, 20 * CLIENTS)  # what is written once is written now
        before = _counted(stack)
        began = time.monotonic()
        _ask(stack.nodes, machine, tokens)
        took = time.monotonic() - began
        after = _counted(stack)
    written = {table: count - before[table] for table, count in after.items() if count != before[table]}
    keys = written.pop(REDIS, 0)
    return {
        "tokens": tokens,
        "tokens_per_second": round(tokens / took),
        "rows": written,
        "rows_per_million": round(sum(written.values()) * 1_000_000 / tokens),
        "redis_keys": keys,
    }


REDIS = "keys in Redis"


def _counted(stack: production_like.Stack) -> dict[str, int]:
    """Rows ever written, by table; and keys in Redis now."""
    time.sleep(FLUSHED_SECONDS)
    with psycopg.connect(stack.environment["DATABASE_URL"]) as connection:
        found = connection.execute("SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_user_tables")
        counts = {str(table): int(count) for table, count in found}
    with redis.Redis.from_url(stack.environment["CACHE_URL"]) as cache:
        return {**counts, REDIS: int(cache.dbsize())}


def _ask(nodes: list[production_like.Node], machine: dict[str, str], tokens: int) -> None:
    """So many tokens, by `CLIENTS` connections to the nodes in turn."""
    pair = f"{machine['client_id']}:{machine['client_secret']}"
    headers = {
        "Authorization": f"Basic {b64encode(pair.encode()).decode()}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    body = urlencode({"grant_type": "client_credentials", "scope": "orders:read"})
    got: list[int] = []

    def client(number: int) -> None:
        line = http.client.HTTPConnection("127.0.0.1", urlsplit(nodes[number % len(nodes)].url).port, timeout=30)
        for _ in range(tokens // CLIENTS):
            line.request("POST", "/oauth/token", body=body, headers=headers)
            answer = line.getresponse()
            answer.read()
            got.append(answer.status)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [200] * (tokens // CLIENTS * CLIENTS), f"{len(got)} answers, of these {got.count(200)} tokens"


def rows(figures: dict[str, Any]) -> list[Row]:
    each = figures["rows_per_million"]
    where = ", ".join(f"{table} {count}" for table, count in figures["rows"].items()) or "none at all"
    return [
        Row(
            "rows written per million machine tokens",
            f"{each:,} (of {figures['tokens']:,}: {where})",
            f"≤ {TARGET:,}",
            each <= TARGET,
        ),
        Row("the same, django-oauth-toolkit as it comes", f"{STOCK:,}"),
        Row("keys left in Redis by these tokens", f"{figures['redis_keys']:,}"),
        Row("machine tokens a second, everything on this machine", f"{figures['tokens_per_second']:,}"),
    ]


if __name__ == "__main__":
    print(*rows(run(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)), sep="\n")
