from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("droplets", "0013_desk_lists"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="action",
            index=models.Index(fields=["team_uuid", "-recorded_at"], name="droplets_ac_team_uu_4460e0_idx"),
        ),
        migrations.AddIndex(
            model_name="action",
            index=models.Index(fields=["droplet_name"], name="droplets_ac_droplet_0667f6_idx"),
        ),
        migrations.AddIndex(
            model_name="change",
            index=models.Index(fields=["droplet_id"], name="droplets_ch_droplet_548d10_idx"),
        ),
        migrations.AddIndex(
            model_name="change",
            index=models.Index(fields=["droplet_name"], name="droplets_ch_droplet_be09b0_idx"),
        ),
        migrations.AddIndex(
            model_name="jobstep",
            index=models.Index(fields=["droplet_id"], name="droplets_jo_droplet_e47cc1_idx"),
        ),
        migrations.AddIndex(
            model_name="jobstep",
            index=models.Index(fields=["droplet_name"], name="droplets_jo_droplet_cf056f_idx"),
        ),
    ]
