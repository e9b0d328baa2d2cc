from django.db import migrations, models

from authcenter.indexes import AddIndexBesideWriters


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('oauth', '0013_registry_triggers'),
    ]

    operations = [
        AddIndexBesideWriters(
            model_name='authorization',
            index=models.Index(fields=['application', 'granted', 'id', 'withdrawn'], name='authorization_by_application'),
        ),
        AddIndexBesideWriters(
            model_name='family',
            index=models.Index(fields=['application', 'created', 'id'], name='family_by_application'),
        ),
        AddIndexBesideWriters(
            model_name='family',
            index=models.Index(condition=models.Q(('membership__isnull', False)), fields=['membership'], name='family_by_membership'),
        ),
    ]
