from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0005_plain_labels"),
    ]

    operations = [
        migrations.AddField(
            model_name="connection",
            name="account_status",
            field=models.CharField(
                blank=True, db_default="", max_length=300, verbose_name="DigitalOcean account status"
            ),
        ),
        migrations.AddField(
            model_name="revocation",
            name="account_status",
            field=models.CharField(blank=True, db_default="", max_length=300),
        ),
    ]
