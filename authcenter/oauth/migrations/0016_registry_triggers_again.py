"""On SQLite a scope that was given to an application gave no new stamp: Django writes it with INSERT OR IGNORE, and that
held within the trigger too."""

from importlib import import_module

from django.db import migrations

write_triggers = import_module("authcenter.oauth.migrations.0013_registry_triggers").write_triggers


class Migration(migrations.Migration):
    dependencies = [("oauth", "0015_ids_by_time")]

    operations = [migrations.RunPython(write_triggers, migrations.RunPython.noop)]
