"""What has to be there before the first request: tables, the cache's table, keys, static files, and a demo's data."""

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from authcenter.keys.rotation import ensure_keys
from authcenter.oauth.own_api import ensure_own_api
from authcenter.server import static_files

_LOCK = 7_266_001
"""Number of the advisory lock under which one node prepares and the others wait."""

_PAUSE = 0.2
"""Seconds until the lock is asked for again."""


def prepare(say: Callable[[str], None]) -> None:
    """Bring database and files up to date. Quick where nothing has changed; safe when several nodes start at once."""
    settings.DATA_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _one_process_of_this_folder(), _one_node_of_this_database():
        if migrations_are_pending():
            say("Making the tables …")
            call_command("migrate", verbosity=0, interactive=False)
        call_command("createcachetable", verbosity=0)
        if made := ensure_keys():
            say(f"Made {len(made)} signing keys.")
        ensure_own_api()
        if settings.DEMO:
            call_command("seed_demo", verbosity=0)
    with _one_process_of_this_folder():
        if static_files.are_stale():
            say("Collecting and compressing static files (once, some seconds) …")
            static_files.collect()


def migrations_are_pending() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


@contextmanager
def _one_process_of_this_folder() -> Iterator[None]:
    with (settings.DATA_DIR / "prepare.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _one_node_of_this_database() -> Iterator[None]:
    if connection.vendor != "postgresql":
        yield  # a SQLite file has one node, and the folder's lock serves it
        return
    with connection.cursor() as cursor:
        # Asked for again and again: who waits inside of a statement is waited for by an index that is being made
        # (CREATE INDEX CONCURRENTLY), and each would wait for the other.
        while not _got(cursor):
            time.sleep(_PAUSE)
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def _got(cursor: Any) -> bool:
    cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
    return bool(cursor.fetchone()[0])
