from django.db import migrations, models
from django.db.models import Value
from django.db.models.functions import Concat


def password_reset_emails_are_emails(apps, schema_editor):
    """An email is one kind of event; its template is in the details."""
    apps.get_model('accounts', 'Event').objects.filter(kind='reset_email').update(
        kind='email', detail=Concat(Value('password_reset_key, '), 'detail')
    )


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0008_second_factor_reset'),
    ]

    operations = [
        migrations.AlterField(
            model_name='event',
            name='kind',
            field=models.CharField(choices=[('connect', 'Connected'), ('reconnect', 'Reconnected'), ('refresh', 'Token refreshed'), ('scope', 'Scope changed'), ('sign_in', 'Log-in turned on or off'), ('refused', 'Connection refused'), ('lost', 'Token lost'), ('disconnect', 'Disconnected'), ('revoke', 'Revoked at DigitalOcean'), ('reseal', 'Encrypted with a new key'), ('sign_up', 'Signed up'), ('log_in', 'Log-in'), ('two_factor', 'Two-factor authentication'), ('email', 'Email'), ('password_reset', 'Password reset'), ('factor_reset', 'Reset of the second factor')], max_length=20),
        ),
        migrations.RunPython(password_reset_emails_are_emails, migrations.RunPython.noop, elidable=True),
    ]
