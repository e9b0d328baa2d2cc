"""make bench-data: a database of many people, authorizations, codes, families, sessions and events, kept for `scale`.

ROWS=10000000 of each (and 100 applications), in a PostgreSQL cluster of its own; a database for each number of rows.
It takes some 4.5 kB for each: 45 GB for ten million. FOLDER says where; DROP=1 deletes it.

python -m bench.scale_data [rows] | drop
"""

import contextlib
import os
import secrets
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue
from urllib.parse import urlsplit

import psycopg

from bench import production_like
from bench.scale_rows import APPLICATIONS, NAME, TABLES
from tests import services

FOLDER = Path(os.environ.get("FOLDER", Path(tempfile.gettempdir()) / "authcenter-bench-data"))
ISSUER = "http://localhost:8000"
"""Of every server on this data, whichever port it has."""

MARK = "made by make bench-data"
"""The folder has a file of this name and a database of ours this comment. Nothing without them is touched."""

CHUNK = 500_000
KILOBYTES = 5
"""That a row of each table takes, with its indexes, and a little for sorting."""

SETTINGS = {
    "shared_buffers": "2GB",
    "effective_cache_size": "8GB",
    "maintenance_work_mem": "1GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "wal_level": "minimal",  # and so a table that is filled in the transaction that rewrote it writes none
    "max_wal_senders": "0",
}
"""Of the cluster; all else is PostgreSQL's default. An operator would give it a quarter of the memory, too."""

APPLICATIONS_MADE = f"""
import json
from authcenter.oauth.models import Application
from authcenter.oauth.registration import new_application
made = {{}}
for number in range({APPLICATIONS}):
    callback = f"https://app-{{number}}.example/oauth/callback"
    application, secret = new_application(
        "web", f"{NAME} {{number}}", redirect_uris=callback, publisher="Example")
    application.save()
    made[application.pk] = {{"client_id": application.client_id, "client_secret": secret, "redirect_uri": callback}}
print(json.dumps(made))
"""


def main(arguments: list[str]) -> int:
    if arguments == ["drop"]:
        return drop()
    services.install_missing(services.SERVERS)
    rows = int(arguments[0]) if arguments else 10_000_000
    began = time.monotonic()
    with cluster() as url:
        made = database(url, rows)
        with psycopg.connect(made) as connection:
            size = connection.execute("SELECT pg_size_pretty(pg_database_size(current_database()))").fetchone()
    _say(f"{rows:,} rows of each table: {size and size[0]}, {time.monotonic() - began:.0f} s, in {FOLDER}")
    _say("`make bench ARGS=scale` measures on it; `make bench-data DROP=1` deletes it.")
    return 0


def drop() -> int:
    if FOLDER.exists():
        _refuse_others(FOLDER)
        shutil.rmtree(FOLDER)
    _say(f"There is no {FOLDER} any more.")
    return 0


@contextmanager
def cluster() -> Iterator[str]:
    """The kept cluster, running; gives the URL of its maintenance database."""
    if FOLDER.exists():
        _refuse_others(FOLDER)
    FOLDER.mkdir(parents=True, exist_ok=True)
    FOLDER.chmod(0o711)  # the database's own user passes through
    (FOLDER / MARK).touch()
    if not (FOLDER / "secret").exists():
        (FOLDER / "secret").touch(mode=0o600)
        (FOLDER / "secret").write_text(secrets.token_urlsafe(48))
    with services.postgresql(FOLDER / "postgresql") as url:
        with psycopg.connect(url, autocommit=True) as connection:
            known = connection.execute("SHOW wal_level").fetchone() == ("minimal",)
            for name, value in SETTINGS.items():
                connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
        if known:
            yield url
            return
    with services.postgresql(FOLDER / "postgresql") as url:  # these settings want a restart
        yield url


def _refuse_others(folder: Path) -> None:
    if not (folder / MARK).exists():
        raise SystemExit(f"{folder} is not {MARK}: it is left alone. Choose another FOLDER.")


def environment(database: str, cache: str = "database://") -> dict[str, str]:
    """Of a server on this database; what the shell says of another server is put aside."""
    shell = {name: value for name, value in os.environ.items() if not name.startswith(("TEST_", "DATABASE", "CACHE"))}
    secret = (FOLDER / "secret").read_text()
    return shell | {
        "DEMO": "1",
        "ISSUER": ISSUER,
        "DATABASE_URL": database,
        "CACHE_URL": cache,
        "DATA_DIR": str(FOLDER / urlsplit(database).path[1:]),
        "SECRET_KEY": secret,
        "ENCRYPTION_KEYS": secret[::-1],
        "PYTHONUNBUFFERED": "1",
    }


def python(database: str, code: str, cache: str = "database://") -> str:
    """Run lines in the Django of a server on this database and return what they print."""
    return production_like.python(code, environment(database, cache))


def database(url: str, rows: int) -> str:
    """The database with so many rows of each table, made where it is missing or was not finished; gives its URL."""
    if rows % 100:
        raise SystemExit("ROWS in hundreds, please.")
    name = f"bench_{rows}"
    own = urlsplit(url)._replace(path=f"/{name}").geturl()
    with psycopg.connect(url, autocommit=True) as connection:
        said = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s"
        found = connection.execute(said, [name]).fetchone()
        if found == (f"{MARK}: whole",):
            _migrate(own)
            return own
        if found and not str(found[0]).startswith(MARK):
            raise SystemExit(f"The database {name} is not {MARK}: it is left alone.")
        free = shutil.disk_usage(FOLDER).free
        if free < rows * KILOBYTES * 1024:
            raise SystemExit(f"{rows:,} rows need {rows * KILOBYTES >> 20} GB of disk; {FOLDER} has {free >> 30} GB.")
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name}")
        connection.execute(f"COMMENT ON DATABASE {name} IS '{MARK}'")
        _say(f"{name}: tables, a demo's people, {APPLICATIONS} applications ...")
        shutil.rmtree(FOLDER / name, ignore_errors=True)
        _migrate(own)
        (FOLDER / name / "applications.json").write_text(python(own, APPLICATIONS_MADE))
        _fill(own, rows)
        connection.execute(f"COMMENT ON DATABASE {name} IS '{MARK}: whole'")
    return own


def _migrate(own: str) -> None:
    """Also on data of an older day: what a migration costs on so many rows is part of what is found out."""
    python(own, "from authcenter.server.preparation import prepare; prepare(print)")


def _fill(own: str, rows: int) -> None:
    """Every table, two at a time."""
    waiting: Queue[str] = Queue()
    for table in sorted(TABLES, key=lambda table: -len(TABLES[table])):  # the widest first
        waiting.put(table)
    failed: list[BaseException] = []

    def work() -> None:
        with contextlib.suppress(Empty):
            while not failed:
                try:
                    _fill_table(own, waiting.get_nowait(), rows)
                except psycopg.Error as fault:
                    failed.append(fault)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    with psycopg.connect(own, autocommit=True) as connection:
        for table in TABLES:  # alone: while another transaction runs, no page is known to be visible to all
            connection.execute(f"VACUUM (ANALYZE) {table}")


def _fill_table(own: str, table: str, rows: int) -> None:
    """Indexes are put aside and built at the end; foreign keys hold by how the rows are made, and are not asked.

    The catalog is told so, which only a superuser of a cluster of his own may do: so no definition is taken down and
    put up again, and what is measured is what migrations made.
    """
    began = time.monotonic()
    columns = TABLES[table]
    insert = f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(columns.values())} FROM generate_series"
    with psycopg.connect(own) as connection:
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute("SET LOCAL allow_system_table_mods = on")
        connection.execute(f"CLUSTER {table} USING {table}_pkey")  # its files are new: no WAL, see SETTINGS
        connection.execute(
            f"UPDATE pg_index SET indisready = false, indisvalid = false WHERE indrelid = '{table}'::regclass"
        )
        for first in range(1, rows + 1, CHUNK):
            last = min(rows, first + CHUNK - 1)
            connection.execute(f"{insert}({first}::bigint, {last}) AS n".replace("{rows}", str(rows)))
            _say(f"  {table}: {last:,} rows, {time.monotonic() - began:.0f} s")
        connection.execute(f"REINDEX TABLE {table}")
        _say(f"  {table}: indexes, {time.monotonic() - began:.0f} s")


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
