"""A private PostgreSQL that flushes each commit, with pg_stat_statements: the SQL of requests, as the database sees it.

It counts only while asked to, so that the timed runs are not slowed.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from tests import services

_OF_FOREIGN_KEYS = "SELECT % FROM ONLY % FOR KEY SHARE OF x"


@contextmanager
def postgresql(folder: Path) -> Iterator["Databases"]:
    with services.postgresql(folder) as url, psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'")
    with services.postgresql(folder) as url:  # a preloaded library wants a new start
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE EXTENSION pg_stat_statements")
            Databases._track(connection, "none")
        yield Databases(url)


class Databases:
    """Of one cluster: made, and what was asked of one of them counted."""

    def __init__(self, url: str) -> None:
        self._url = url

    def create(self, name: str) -> str:
        """A new one's URL."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return urlsplit(self._url)._replace(path=f"/{name}").geturl()

    @contextmanager
    def counting(self, name: str) -> Iterator[Callable[[], int]]:
        """Gives what tells how many statements, BEGIN and COMMIT among them, `name` was asked since it last told; not
        those that PostgreSQL asks itself at COMMIT, to see that what a foreign key names is there."""
        with psycopg.connect(self._url, autocommit=True) as connection:

            def since() -> int:
                row = connection.execute(
                    "SELECT coalesce(sum(calls), 0)::int FROM pg_stat_statements JOIN pg_database ON oid = dbid"
                    " WHERE datname = %s AND query NOT LIKE %s",
                    [name, _OF_FOREIGN_KEYS],
                ).fetchone()
                connection.execute("SELECT pg_stat_statements_reset()")
                return int(row[0]) if row else 0

            self._track(connection, "top")
            try:
                since()
                yield since
            finally:
                self._track(connection, "none")

    @staticmethod
    def _track(connection: psycopg.Connection, what: str) -> None:
        connection.execute(f"ALTER SYSTEM SET pg_stat_statements.track = '{what}'")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute("SELECT pg_sleep(0.1)")  # until every backend has heard of it: at its next statement
