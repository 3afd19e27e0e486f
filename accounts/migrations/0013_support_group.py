from django.contrib.auth.management import create_permissions
from django.db import migrations

NAME = 'Support'
KEPT = 'Support (before this version)'
"""A group that the host has made itself. Its members keep its rights, and get no new ones without being asked."""

PERMISSIONS = {
    'accounts': [
        'view_user',
        'view_connection',
        'view_event',
        'view_outcomeinterval',
        'view_revocation',
        'view_secondfactorreset',
        'reset_second_factor',
        'test_connection',
        'refresh_connection',
        'ask_to_reconnect',
        'disconnect_connection',
        'revoke_everything',
        'end_sessions',
        'resend_confirmation',
        'deactivate_account',
        'reactivate_account',
        'delete_account',
        'export_data',
        'see_as_user',
    ],
    'socialaccount': ['view_socialaccount'],
}


def create_group(apps, schema_editor):
    """The group for support staff: what it sees, and each act. Nothing about rights, other staff or droplets."""
    Group, Permission = apps.get_model('auth', 'Group'), apps.get_model('auth', 'Permission')
    Group.objects.filter(name=NAME).update(name=KEPT)
    group = Group.objects.create(name=NAME)
    for app, codenames in PERMISSIONS.items():
        # Django creates permissions after the last migration, which is too late for this one.
        config = apps.get_app_config(app)
        if not getattr(config, 'models_module', None):  # a migration's apps have none, and are skipped without
            config.models_module = True
        create_permissions(config, apps=apps, verbosity=0)
        group.permissions.add(*Permission.objects.filter(content_type__app_label=app, codename__in=codenames))


def delete_group(apps, schema_editor):
    """Back: the host's own group gets its name again."""
    Group = apps.get_model('auth', 'Group')
    Group.objects.filter(name=NAME).delete()
    Group.objects.filter(name=KEPT).update(name=NAME)


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0012_support_acts'),
        ('auth', '0012_alter_user_first_name_max_length'),
        ('contenttypes', '0002_remove_content_type_name'),
        ('socialaccount', '0006_alter_socialaccount_extra_data'),
    ]

    operations = [migrations.RunPython(create_group, delete_group)]
