from types import SimpleNamespace

from django.db import migrations, models

from accounts import webhook_secrets


def encrypt_urls(apps, schema_editor):
    watchers = apps.get_model("droplets", "Watcher")
    for pk, url in list(watchers.objects.exclude(webhook_url="").values_list("pk", "webhook_url")):
        row = SimpleNamespace(pk=pk)
        webhook_secrets.write_url(row, url)
        watchers.objects.filter(pk=pk).update(sealed_url=row.sealed_url)


def decrypt_urls(apps, schema_editor):
    watchers = apps.get_model("droplets", "Watcher")
    for row in watchers.objects.exclude(sealed_url=""):
        watchers.objects.filter(pk=row.pk).update(webhook_url=webhook_secrets.read_url(row))


class Migration(migrations.Migration):
    """A webhook's URL may be a password in itself, as Slack's is: it is stored encrypted, like the signing secret."""

    dependencies = [
        ("droplets", "0009_actions_on_the_time_line"),
    ]

    operations = [
        migrations.AddField("watcher", "sealed_url", models.TextField(blank=True, editable=False)),
        migrations.RunPython(encrypt_urls, decrypt_urls),
        migrations.RemoveField("watcher", "webhook_url"),
    ]
