from django.contrib.auth.management import create_permissions
from django.db import migrations

PERMISSIONS = ["view_action", "view_job"]


def create_group(apps, schema_editor):
    """Support staff see what was done to droplets. They act on none."""
    Group, Permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    config = apps.get_app_config("droplets")
    if not getattr(config, "models_module", None):  # a migration's apps have none, and are skipped without
        config.models_module = True
    create_permissions(config, apps=apps, verbosity=0)
    permissions = Permission.objects.filter(content_type__app_label="droplets", codename__in=PERMISSIONS)
    for group in Group.objects.filter(name="Support"):  # a superuser may have renamed or deleted it by now
        group.permissions.add(*permissions)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0013_support_group"),
        ("droplets", "0011_emails_by_the_workers"),
    ]

    operations = [migrations.RunPython(create_group, migrations.RunPython.noop)]
