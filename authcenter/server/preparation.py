"""What has to be there before the first request: tables, the cache's table, keys, static files, and a demo's data."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from authcenter.keys.rotation import ensure_keys
from authcenter.oauth.own_api import ensure_own_api

_LOCK = 7_266_001
"""Number of the advisory lock under which one node prepares and the others wait."""


def prepare(say: Callable[[str], None]) -> None:
    """Bring database and files up to date. Quick where nothing has changed; safe when several nodes start at once."""
    settings.DATA_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _one_node_at_a_time():
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            say("Making the tables …")
            call_command("migrate", verbosity=0, interactive=False)
        call_command("createcachetable", verbosity=0)
        if made := ensure_keys():
            say(f"Made {len(made)} signing keys.")
        ensure_own_api()
        if settings.DEMO:
            call_command("seed_demo", verbosity=0)
    _static_files(say)


@contextmanager
def _one_node_at_a_time() -> Iterator[None]:
    if connection.vendor != "postgresql":
        yield  # SQLite has one node, and its writers wait for one another
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def _static_files(say: Callable[[str], None]) -> None:
    """Collect them when they have changed: the stamp is a hash of their names, sizes and times."""
    stamp, present = Path(settings.STATIC_ROOT) / ".stamp", _fingerprint()
    if stamp.exists() and stamp.read_text() == present:
        return
    say("Collecting static files …")
    call_command("collectstatic", verbosity=0, interactive=False, clear=True)
    stamp.write_text(present)


def _fingerprint() -> str:
    digest = hashlib.sha256(settings.VERSION.encode())
    for finder in get_finders():
        for name, storage in finder.list([]):
            file = Path(storage.path(name)).stat()
            digest.update(f"{name} {file.st_size} {file.st_mtime_ns}\n".encode())
    digest.update(" ".join(sorted(apps.app_configs)).encode())
    return digest.hexdigest()
