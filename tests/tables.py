"""Databases that have their tables already. To run all migrations takes ten seconds of a processor, and a run of the
suite wants some twenty databases: they run once for each state of the migrations, and the result is copied.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "build" / "tables"


def copy_to_file(target: Path) -> None:
    """A SQLite file with all tables, which must not exist yet."""
    with _alone():
        made = KEPT / f"{_state()}.sqlite3"
        if not made.exists():
            for older in KEPT.glob("*.sqlite3*"):
                older.unlink()
            _migrate(f"sqlite:///{made}.new")
            made.with_name(f"{made.name}.new").rename(made)
        shutil.copyfile(made, target)


def copy_on_postgres(server: str, name: str) -> None:
    """A database with all tables; one of this name that is there already is dropped. `server` is any database's URL."""
    import psycopg

    template = f"tables_{_state()}"
    with _alone(), psycopg.connect(server, autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [template]).fetchone():
            connection.execute(f'DROP DATABASE IF EXISTS "{template}_new"')
            connection.execute(f'CREATE DATABASE "{template}_new"')
            _migrate(urlsplit(server)._replace(path=f"/{template}_new").geturl())
            connection.execute(f'ALTER DATABASE "{template}_new" RENAME TO "{template}"')
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')


def _migrate(url: str) -> None:
    environment = {**os.environ, "DATABASE_URL": url, "CACHE_URL": "database://"}
    for command in (("migrate", "--verbosity=0", "--no-input"), ("createcachetable",)):
        subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=environment, check=True)


@cache
def _state() -> str:
    """What the tables, permissions and content types come from. It is the caller's: tests do not change it."""
    sources = [
        ROOT / "requirements.txt",
        ROOT / "authcenter" / "settings.py",
        ROOT / "authcenter" / "libraries.py",
        *ROOT.glob("a*/**/migrations/*.py"),
        *ROOT.glob("a*/**/models.py"),
        *ROOT.glob("a*/**/models/*.py"),
    ]
    parts = (f"{path.relative_to(ROOT)}\n{path.read_text()}" for path in sorted(sources))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


@contextmanager
def _alone() -> Iterator[None]:
    """One worker makes them, and the others wait."""
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
