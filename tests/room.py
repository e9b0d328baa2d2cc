"""The room that this process's tests have to themselves: folder, databases, caches; and the environment that says so.

Importing it sets the environment, so it is imported before Django reads its settings. What a developer's shell says
about a server of hers is put aside. `tests/suite.py` gives PostgreSQL and Redis by TEST_DATABASE_URL and
TEST_REDIS_URL.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from tests import tables

ROOT = tables.ROOT
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
POSTGRES = os.environ.get("TEST_DATABASE_URL", "")
REDIS = os.environ.get("TEST_REDIS_URL", "")
STATIC = ROOT / "build" / "static"
"""Collected once, for every server of every run."""

SCREENSHOTS = ROOT / "build" / "screenshots" / ("postgresql" if POSTGRES else "sqlite")

FOLDER = Path(tempfile.mkdtemp(prefix=f"authcenter-test-{WORKER}-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)


def environment(data_dir: Path, port: int, use: str) -> dict[str, str]:
    """A demo's environment with data of its own; `use` names its database and cache among this worker's."""
    data_dir.mkdir(parents=True)
    database = _on_postgres(f"{use}_{WORKER}") if POSTGRES else f"sqlite:///{data_dir}/db.sqlite3"
    # Redis has 16 numbered databases: two for each worker.
    cache = f"{REDIS}/{2 * int(WORKER.removeprefix('gw')) + (use == 'server')}" if REDIS else "database://"
    issuer = f"http://localhost:{port}"
    return {"DEMO": "1", "DATA_DIR": str(data_dir), "PORT": str(port), "ISSUER": issuer, "DATABASE_URL": database} | {
        "CACHE_URL": cache
    }


def database() -> str:
    """The name of the one that tests in this process use. A file even on SQLite, so that a test's threads share it."""
    return f"test_{WORKER}" if POSTGRES else str(FOLDER / "test.sqlite3")


def create_database(name: str) -> None:
    """An empty one."""
    import psycopg

    with psycopg.connect(POSTGRES, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}"')


def create_tables(url: str) -> None:
    """Make the database of this URL, with all tables in it."""
    if POSTGRES:
        tables.copy_on_postgres(POSTGRES, urlsplit(url).path[1:])
    else:
        tables.copy_to_file(Path(urlsplit(url).path[1:]))


def _on_postgres(name: str) -> str:
    return urlsplit(POSTGRES)._replace(path=f"/{name}").geturl()


_SHELL = (
    *("ALLOWED_HOSTS", "EMAIL_URL", "ENCRYPTION_KEYS", "HOST", "SECRET_KEY", "TRUSTED_PROXIES", "WORKERS"),
    *("CLIENT_ASSERTION_AUDIENCES", "CLIENT_ID_METADATA_DOCUMENTS", "LEGACY_FLOWS", "REGISTRATION"),
    *("OUTBOUND_ALLOWED", "OUTBOUND_CA_FILE", "REGISTRATION_REQUIRES_PKCE"),
)
for _name in _SHELL:
    os.environ.pop(_name, None)
    os.environ.pop(f"{_name}_FILE", None)
os.environ.update(environment(FOLDER / "data", 8000, "tests"), DJANGO_SETTINGS_MODULE="authcenter.settings")
(FOLDER / "data" / "static").mkdir()
