"""Gives Revocation a status: a grant that may still be connected was known only by its reason, "abandoned"."""

from django.db import migrations, models


def mark_pending(apps, schema_editor):
    """Those that were tried or are being tried are being revoked, and stay queued."""
    waiting = apps.get_model("accounts", "Revocation").objects.filter(reason="abandoned", attempts=0, lease_until=None)
    waiting.update(status="pending")


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0003_scopes_of_any_length"),
    ]

    operations = [
        migrations.AddField(
            model_name="revocation",
            name="status",
            field=models.CharField(
                choices=[("pending", "Waiting to be connected"), ("queued", "Waiting to be revoked")],
                db_default="queued",
                default="queued",
                max_length=10,
            ),
        ),
        migrations.RunPython(mark_pending, migrations.RunPython.noop, elidable=True),
    ]
