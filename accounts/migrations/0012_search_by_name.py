"""How whole names and family names begin, for the console's search: an index in whose order it may stop."""

from django.db import migrations

from authcenter.indexes import make_beside_writers

COLUMNS = {"user_by_name": "name", "user_by_family_name": "family_name"}


def make_indexes(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for name, column in COLUMNS.items():
            create = f"CREATE INDEX {name} ON accounts_user (lower({column}) text_pattern_ops)"
            make_beside_writers(schema_editor, create, name)
        schema_editor.execute("ANALYZE accounts_user")  # what is common as a name, the planner knows from here on


def drop_indexes(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for name in COLUMNS:
            schema_editor.execute(f"DROP INDEX {name}")


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("accounts", "0011_search_of_many")]

    operations = [migrations.RunPython(make_indexes, drop_indexes)]
