import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """The table of device codes anew: nothing has ever written to the old one, and no key points to it."""

    dependencies = [
        ('oauth', '0003_opaque_tokens'),
        ('signins', '0003_receipts'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.DeleteModel(name='DeviceGrant'),
        migrations.CreateModel(
            name='DeviceGrant',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('scope', models.TextField(blank=True, verbose_name='scope')),
                ('interval', models.IntegerField(default=5, verbose_name='interval')),
                ('device_code', models.CharField(editable=False, max_length=64)),
                ('user_code', models.CharField(blank=True, editable=False, max_length=32, null=True, unique=True)),
                ('application_epoch', models.PositiveIntegerField()),
                ('resource', models.JSONField(default=list)),
                ('created', models.DateTimeField(default=django.utils.timezone.now)),
                ('address', models.CharField(blank=True, max_length=45)),
                ('user_agent', models.CharField(blank=True, max_length=512)),
                ('poll_after', models.FloatField(default=0)),
                ('expires', models.DateTimeField()),
                ('answered', models.DateTimeField(blank=True, null=True)),
                ('family', models.UUIDField(default=uuid.uuid4, editable=False)),
                ('auth_time', models.DateTimeField(null=True)),
                ('amr', models.JSONField(default=list)),
                ('acr', models.CharField(blank=True, max_length=64)),
                ('user_epoch', models.PositiveIntegerField(default=0)),
                ('consumed', models.DateTimeField(blank=True, null=True)),
                ('application', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='device_codes', to=settings.OAUTH2_PROVIDER_APPLICATION_MODEL)),
                ('authorization', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='device_codes', to='oauth.authorization')),
                ('session', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='signins.session')),
                ('user', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='%(app_label)s_%(class)s', to=settings.AUTH_USER_MODEL, verbose_name='user')),
            ],
            options={
                'abstract': False,
                'indexes': [models.Index(fields=['expires'], name='device_grant_by_end')],
                'constraints': [models.UniqueConstraint(fields=('device_code',), name='oauth_devicegrant_unique_device_code')],
            },
        ),
    ]
