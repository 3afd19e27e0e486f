import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0010_personal_data'),
        ('socialaccount', '0006_alter_socialaccount_extra_data'),
    ]

    operations = [
        migrations.CreateModel(
            name='OutcomeInterval',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('connection_id', models.UUIDField()),
                ('team_uuid', models.CharField(blank=True, max_length=80, verbose_name='DigitalOcean team')),
                ('team_name', models.CharField(max_length=255, verbose_name='team')),
                ('kind', models.CharField(choices=[('reading', 'Reading'), ('refresh', 'Refresh')], max_length=10)),
                ('outcome', models.CharField(max_length=40)),
                ('sentence', models.CharField(blank=True, max_length=300, verbose_name='what happened')),
                ('shown', models.CharField(blank=True, max_length=300, verbose_name='what was shown')),
                ('shown_as_of', models.DateTimeField(null=True, verbose_name='read')),
                ('request_id', models.CharField(blank=True, max_length=100, verbose_name="DigitalOcean's request id")),
                ('started_at', models.DateTimeField(verbose_name='from')),
                ('last_at', models.DateTimeField(verbose_name='latest attempt')),
                ('ended_at', models.DateTimeField(null=True, verbose_name='to')),
            ],
            options={
                'ordering': ['-started_at', '-id'],
                'default_permissions': ['view'],
            },
        ),
        migrations.AddField(
            model_name='connection',
            name='reading_at',
            field=models.DateTimeField(null=True, verbose_name='latest reading ended'),
        ),
        migrations.AddField(
            model_name='connection',
            name='reading_generation',
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='connection',
            name='reading_outcome',
            field=models.CharField(blank=True, db_default='', default='', max_length=40, verbose_name='latest reading'),
        ),
        migrations.AddField(
            model_name='connection',
            name='reading_request_id',
            field=models.CharField(blank=True, db_default='', default='', max_length=100, verbose_name="DigitalOcean's request id of the reading"),
        ),
        migrations.AddField(
            model_name='connection',
            name='reading_retry_at',
            field=models.DateTimeField(null=True, verbose_name='next reading not before'),
        ),
        migrations.AddField(
            model_name='connection',
            name='reading_sentence',
            field=models.CharField(blank=True, db_default='', default='', max_length=300),
        ),
        migrations.AddField(
            model_name='connection',
            name='reading_since',
            field=models.DateTimeField(null=True, verbose_name='so since'),
        ),
        migrations.AddField(
            model_name='event',
            name='address_hash',
            field=models.CharField(blank=True, db_default='', editable=False, max_length=12),
        ),
        migrations.AddField(
            model_name='event',
            name='page_request_id',
            field=models.CharField(blank=True, db_default='', max_length=64, verbose_name="Conveyor's request id"),
        ),
        migrations.AlterField(
            model_name='event',
            name='kind',
            field=models.CharField(choices=[('connect', 'Connected'), ('reconnect', 'Reconnected'), ('refresh', 'Token refreshed'), ('scope', 'Scope changed'), ('sign_in', 'Log-in turned on or off'), ('refused', 'Connection refused'), ('lost', 'Token lost'), ('disconnect', 'Disconnected'), ('revoke', 'Revoked at DigitalOcean'), ('reseal', 'Encrypted with a new key'), ('sign_up', 'Signed up'), ('log_in', 'Log-in'), ('two_factor', 'Two-factor authentication'), ('email', 'Email'), ('password_reset', 'Password reset'), ('factor_reset', 'Reset of the second factor'), ('export', 'Personal data downloaded'), ('staff_look', 'Support looked at the account'), ('staff_act', 'Support acted')], max_length=20),
        ),
        migrations.AlterField(
            model_name='event',
            name='user',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='events', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddIndex(
            model_name='connection',
            index=models.Index(fields=['team_uuid'], name='accounts_co_team_uu_8686b8_idx'),
        ),
        migrations.AddIndex(
            model_name='connection',
            index=models.Index(fields=['team_name'], name='accounts_co_team_na_da85d4_idx'),
        ),
        migrations.AddIndex(
            model_name='connection',
            index=models.Index(fields=['email'], name='accounts_co_email_29084b_idx'),
        ),
        migrations.AddIndex(
            model_name='connection',
            index=models.Index(fields=['reading_request_id'], name='accounts_co_reading_ba6012_idx'),
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(fields=['user', '-at'], name='accounts_ev_user_id_57546a_idx'),
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(fields=['request_id'], name='accounts_ev_request_958bbb_idx'),
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(fields=['page_request_id'], name='accounts_ev_page_re_a5c194_idx'),
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(fields=['address_hash'], name='accounts_ev_address_9a024a_idx'),
        ),
        migrations.AddIndex(
            model_name='revocation',
            index=models.Index(fields=['request_id'], name='accounts_re_request_485ae4_idx'),
        ),
        migrations.AddField(
            model_name='outcomeinterval',
            name='user',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='outcome_intervals', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddIndex(
            model_name='outcomeinterval',
            index=models.Index(fields=['user', 'started_at'], name='accounts_ou_user_id_78e19a_idx'),
        ),
        migrations.AddIndex(
            model_name='outcomeinterval',
            index=models.Index(fields=['started_at', 'outcome'], name='accounts_ou_started_9b11fa_idx'),
        ),
        migrations.AddIndex(
            model_name='outcomeinterval',
            index=models.Index(fields=['ended_at'], name='accounts_ou_ended_a_2cba33_idx'),
        ),
        migrations.AddIndex(
            model_name='outcomeinterval',
            index=models.Index(fields=['request_id'], name='accounts_ou_request_5ee38b_idx'),
        ),
        migrations.AddConstraint(
            model_name='outcomeinterval',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('connection_id', 'kind'), name='one_outcome_goes_on'),
        ),
    ]
