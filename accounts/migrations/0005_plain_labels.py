
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_revocation_status'),
    ]

    operations = [
        migrations.AlterField(
            model_name='connection',
            name='email',
            field=models.EmailField(blank=True, max_length=320, verbose_name='DigitalOcean email'),
        ),
        migrations.AlterField(
            model_name='connection',
            name='sign_in',
            field=models.BooleanField(default=False, verbose_name='can log in'),
        ),
        migrations.AlterField(
            model_name='connection',
            name='state',
            field=models.CharField(choices=[('healthy', 'Healthy'), ('needs_reconnect', 'Needs to be reconnected')], default='healthy', max_length=20),
        ),
        migrations.AlterField(
            model_name='event',
            name='actor',
            field=models.CharField(help_text='"person" for the user, or a part of Conveyor', max_length=40),
        ),
        migrations.AlterField(
            model_name='event',
            name='kind',
            field=models.CharField(choices=[('connect', 'Connected'), ('reconnect', 'Reconnected'), ('refresh', 'Token refreshed'), ('scope', 'Scope changed'), ('sign_in', 'Log-in turned on or off'), ('refused', 'Connection refused'), ('lost', 'Token lost'), ('disconnect', 'Disconnected'), ('revoke', 'Revoked at DigitalOcean'), ('reseal', 'Encrypted with a new key')], max_length=20),
        ),
        migrations.AlterField(
            model_name='user',
            name='email',
            field=models.EmailField(error_messages={'unique': 'This address is in use.'}, max_length=254, unique=True, verbose_name='email address'),
        ),
    ]
