"""Each change to what `authcenter.oauth.registry` keeps gives the registry a new stamp, in the change's transaction.

By triggers, so that no writer can forget it: the console, registration, a script, psql. On PostgreSQL they wait for the
commit: the one row is locked for that moment only, and after every other lock but those of deferred foreign keys: who
deletes a scope while another gives it to an application may see one of the two fail as a deadlock.

SQLite drops a table's triggers where a later migration makes the table anew (a changed column). Such a migration ends
with `migrations.RunPython(write_triggers)` again; `tests/oauth/test_registry.py` sees that none is missing.
"""

from django.db import migrations

TABLES = ("oauth_application", "oauth_application_scopes", "oauth_api", "oauth_scope")


def write_triggers(apps, schema_editor):
    sqlite = schema_editor.connection.vendor == "sqlite"
    if not sqlite:
        schema_editor.execute(
            "CREATE OR REPLACE FUNCTION registry_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " INSERT INTO signins_registrystate (id, stamp) VALUES (1, gen_random_uuid())"
            " ON CONFLICT (id) DO UPDATE SET stamp = excluded.stamp;"
            " RETURN NULL; END $$"
        )
    for table in TABLES:
        for event in ("INSERT", "UPDATE", "DELETE") if sqlite else ("INSERT OR UPDATE OR DELETE",):
            name = f"registry_{table}_{event.lower()}" if sqlite else f"registry_{table}"
            if sqlite:
                schema_editor.execute(f"DROP TRIGGER IF EXISTS {name}")
                schema_editor.execute(
                    f"CREATE TRIGGER {name} AFTER {event} ON {table} BEGIN"
                    # Two statements: "OR" of the statement that fired it would replace any "OR" in here.
                    " DELETE FROM signins_registrystate;"
                    " INSERT INTO signins_registrystate (id, stamp) VALUES (1, lower(hex(randomblob(16))));"
                    " END"
                )
            else:
                schema_editor.execute(f"DROP TRIGGER IF EXISTS {name} ON {table}")
                schema_editor.execute(
                    f"CREATE CONSTRAINT TRIGGER {name} AFTER {event} ON {table} DEFERRABLE INITIALLY DEFERRED"
                    " FOR EACH ROW EXECUTE FUNCTION registry_changed()"
                )


def drop_triggers(apps, schema_editor):
    sqlite = schema_editor.connection.vendor == "sqlite"
    for table in TABLES:
        for event in ("insert", "update", "delete"):
            if sqlite:
                schema_editor.execute(f"DROP TRIGGER IF EXISTS registry_{table}_{event}")
        if not sqlite:
            schema_editor.execute(f"DROP TRIGGER IF EXISTS registry_{table} ON {table}")
    if not sqlite:
        schema_editor.execute("DROP FUNCTION IF EXISTS registry_changed")


class Migration(migrations.Migration):
    dependencies = [
        ("oauth", "0012_lists_of_many"),
        ("signins", "0008_registry_state"),
    ]

    operations = [migrations.RunPython(write_triggers, drop_triggers)]
