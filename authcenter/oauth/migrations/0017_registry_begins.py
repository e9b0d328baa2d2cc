"""The registry's first stamp. Triggers write one with each change; until the first there was none, and while there is
none nothing is kept in memory: an installation that had its applications before it had the triggers asked for them at
each request, until somebody changed one."""

from typing import Any

from django.db import migrations


def begin(apps: Any, _schema_editor: Any) -> None:
    apps.get_model("signins", "RegistryState").objects.get_or_create(pk=1)


class Migration(migrations.Migration):
    dependencies = [
        ("oauth", "0016_registry_triggers_again"),
        ("signins", "0008_registry_state"),
    ]

    operations = [migrations.RunPython(begin, migrations.RunPython.noop)]
