"""Indexes on tables in use: PostgreSQL makes them beside writers, SQLite as ever; an attempt cut short does no harm."""

from typing import Any

import pytest
from django.db import connection, models
from django.db.migrations.loader import MigrationLoader
from django.test.utils import CaptureQueriesContext

from authcenter.indexes import AddIndexBesideWriters
from tests import room

pytestmark = pytest.mark.django_db(transaction=True)
NAME = "audit_of_a_test"


def made() -> list[str]:
    """What was asked of the database to make an index on events, in full."""
    before = MigrationLoader(connection).project_state()
    operation = AddIndexBesideWriters("auditevent", models.Index(fields=["actor"], name=NAME))
    after = before.clone()
    operation.state_forwards("audit", after)
    with CaptureQueriesContext(connection) as asked, connection.schema_editor(atomic=False) as editor:
        operation.database_forwards("audit", editor, before, after)
    return [statement["sql"] for statement in asked if NAME in statement["sql"]]


@pytest.fixture(autouse=True)
def _dropped() -> Any:
    yield
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX IF EXISTS {NAME}")


def test_an_index_is_there_afterwards() -> None:
    asked = made()
    with connection.cursor() as cursor:
        known = connection.introspection.get_constraints(cursor, "audit_auditevent")
    assert known[NAME]["columns"] == ["actor"]
    assert asked[-1].startswith("CREATE INDEX CONCURRENTLY" if room.POSTGRES else "CREATE INDEX")


@pytest.mark.postgres
def test_what_an_attempt_left_behind_is_made_anew() -> None:
    made()
    assert [statement.partition(" INDEX CONCURRENTLY ")[0] for statement in made()] == ["DROP", "CREATE"]


@pytest.mark.postgres
def test_no_index_of_ours_is_unfinished() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), count(*) FILTER (WHERE NOT indisvalid) FROM pg_index")
        known, unfinished = cursor.fetchone()
    assert known > 100
    assert unfinished == 0
