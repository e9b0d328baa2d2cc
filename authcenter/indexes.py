"""Indexes that a migration makes on tables that may be large and in use: PostgreSQL makes them while rows are written.

The plain operation keeps every writer of the table waiting until the index stands: minutes, at ten million rows.
"""

from typing import Any

from django.db.migrations.operations import AddIndex


class AddIndexBesideWriters(AddIndex):
    """For a migration with `atomic = False`, as PostgreSQL does this outside of transactions only."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if schema_editor.connection.vendor != "postgresql" or not self.allow_migrate_model(
            schema_editor.connection.alias, model
        ):
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        make_beside_writers(schema_editor, str(self.index.create_sql(model, schema_editor)), self.index.name)


def make_beside_writers(schema_editor: Any, create: str, name: str) -> None:
    """Run this CREATE INDEX for PostgreSQL so. A name that is there is of an attempt that was cut short, as the
    migration would be done otherwise, and such an index is never used."""
    schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {schema_editor.quote_name(name)}")
    schema_editor.execute(create.replace("CREATE INDEX", "CREATE INDEX CONCURRENTLY", 1), params=None)
