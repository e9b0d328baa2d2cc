"""A million expired rows of each kind, swept while the server answers: rows a second, and what requests notice.

python -m bench.cleanup [rows]          on SQLite, or on TEST_DATABASE_URL and TEST_REDIS_URL where they are set
"""

import json
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import httpx

from bench.figures import Row
from tests import room
from tests.live import Server

FILL = """
import sys
from datetime import timedelta
from django.db import connection
from django.utils import timezone
from accounts.models import User
from authcenter.audit.models import Refusals
from authcenter.oauth.models import Application, Authorization, Family, Grant
from authcenter.outbox.models import Delivery
from authcenter.sessions.models import Revocation, Session
from django.contrib.sessions.models import Session as CookieSession

rows, postgres = {rows}, connection.vendor == "postgresql"
long_ago = timezone.now() - timedelta(days=200)
user, app = User.objects.first(), Application.objects.first()
granted = Authorization.objects.create(user=user, application=app, scopes=[], withdrawn=long_ago)
sign_in = Session.objects.create(user=user, kind="api", expires=long_ago, idle_seconds=1)
living = Session.objects.create(user=user, kind="api", expires=timezone.now() + timedelta(days=1), idle_seconds=1)
epochs = {{"user_epoch": 0, "application_epoch": 0, "auth_time": long_ago}}
# One row of each is copied so many times, with other keys; each code stands on a session of its own.
samples = [
    (sign_in, []),
    (Revocation.objects.create(sequence=10**9, kind="token", subject="x", expires=long_ago), ["subject"]),
    (Grant.objects.create(user=user, application=app, code="x", expires=long_ago, authorization=granted, session=living,
                          redirect_uri="", scope="", **epochs), ["code"]),
    (Family.objects.create(user=user, application=app, authorization=granted, token_hash="x", expires=long_ago,
                           absolute_expires=long_ago, **epochs), []),
    (Refusals.objects.create(key="x", count=1, ends=long_ago), ["key"]),
    (CookieSession.objects.create(session_key="x", session_data="x" * 300, expire_date=long_ago), ["session_key"]),
    (Delivery.objects.create(kind="revocation", receiver="x", target="x", message="x" * 600, next_at=None,
                             delivered=long_ago), []),
]
numbers = f"generate_series(1, {{rows}}) AS n(n)" if postgres else (
    f"(WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {{rows}}) SELECT n FROM n) AS n")
random = "gen_random_uuid()" if postgres else "lower(hex(randomblob(16)))"
numbered = "lpad(to_hex(n.n), 32, '0')::uuid" if postgres else "printf('%%032x', n.n)"
for sample, unique in samples:
    meta, names, values = sample._meta, [], []
    for field in meta.concrete_fields:
        column = f't."{{field.column}}"'
        if (sample is sign_in and field.primary_key) or (meta.model is Grant and field.name == "session"):
            column = numbered
        elif field.primary_key and field.get_internal_type() == "UUIDField":
            column = random
        elif field.primary_key and field.get_internal_type() in {{"AutoField", "BigAutoField", "BigIntegerField"}}:
            column = f"{{sample.pk}} + n.n"
        elif field.name in unique or field.primary_key:
            column = "'x' || n.n"
        elif field.unique and field.get_internal_type() == "UUIDField":
            column = random
        names.append(f'"{{field.column}}"')
        values.append(column)
    where = f't."{{meta.pk.column}}" = %s'
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO {{meta.db_table}} ({{", ".join(names)}}) SELECT {{", ".join(values)}} '
            f'FROM {{meta.db_table}} t, {{numbers}} WHERE {{where}}',
            [meta.pk.get_db_prep_value(sample.pk, connection)])
    print(meta.db_table, meta.model.objects.count(), file=sys.stderr)
if postgres:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
"""

SWEEP = """
import json, time
from authcenter.server.sweeping import sweep
began, took = time.monotonic(), {}
for name, count in sweep():
    took[name] = (count, time.monotonic() - began)
    began = time.monotonic()
print(json.dumps(took))
"""


class Hammer:
    """Asks for machine tokens, one after the other, and keeps how long each took."""

    def __init__(self, server: Server) -> None:
        app = server.demo["applications"]["machine"]
        self._ask = {
            "data": {"grant_type": "client_credentials", "scope": "orders:read"},
            "auth": (app["client_id"], app["client_secret"]),
        }
        self._url, self.taken, self.failed, self._stop = f"{server.url}/oauth/token", list[float](), 0, False

    def __enter__(self) -> "Hammer":
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_what: Any) -> None:
        self._stop = True
        self._thread.join()

    def _run(self) -> None:
        with httpx.Client(timeout=30) as client:
            while not self._stop:
                began = time.monotonic()
                self.failed += client.post(self._url, **self._ask).status_code != 200
                self.taken.append(time.monotonic() - began)
                time.sleep(0.005)

    def told(self) -> dict[str, float]:
        sorted_ = sorted(self.taken)
        at = lambda share: round(sorted_[int(len(sorted_) * share)] * 1000, 2)  # noqa: E731
        return {
            "requests": len(sorted_),
            "failed": self.failed,
            "p50_ms": at(0.5),
            "p99_ms": at(0.99),
            "longest_ms": round(sorted_[-1] * 1000, 2),
        }


def run(rows: int = 1_000_000) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder))
        try:
            server.wait()
            began = time.monotonic()
            server.manage(
                "shell",
                "--no-imports",
                "-c",
                "from django.core.cache import cache; cache.set('cleanup', True, timeout=99999)",
            )
            server.python(FILL.format(rows=rows))
            print(f"filled in {time.monotonic() - began:.0f} s", flush=True)
            with Hammer(server) as before:
                time.sleep(5)
            with Hammer(server) as during:
                took = json.loads(server.python(SWEEP).splitlines()[-1])
        finally:
            server.stop()
    figures = {
        "database": "PostgreSQL" if room.POSTGRES else "SQLite",
        "kinds": {name: {"rows": count, "seconds": round(seconds, 1)} for name, (count, seconds) in took.items()},
        "before": before.told(),
        "during": during.told(),
    }
    print(f"{figures['database']}: the sweep, resting between slices")
    for name, kind in figures["kinds"].items():
        print(f"  {name:20} {kind['rows']:>10,} rows in {kind['seconds']:5.1f} s (target: under 60)")
    print(f"  a token request: before {figures['before']}, during {figures['during']}")
    return figures


def rows(figures: dict[str, Any]) -> list[Row]:
    swept = [(name, kind) for name, kind in figures["kinds"].items() if kind["rows"]]
    return [
        *(
            Row(f"{name}, {kind['rows']:,} expired rows swept", f"{kind['seconds']} s", "< 60 s", kind["seconds"] < 60)
            for name, kind in swept
        ),
        Row(
            "a token request, p99 before and during",
            f"{figures['before']['p99_ms']} ms, {figures['during']['p99_ms']} ms; {figures['during']['failed']} failed",
        ),
    ]


if __name__ == "__main__":
    print(json.dumps(run(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000), indent=2))
