"""The model of the acts of support staff: each is stored once, before it is done."""

from typing import ClassVar
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.utils import timezone


class SupportAct(models.Model):
    """An act of a staff member on a user, like "End all sessions". The audit log has it too, with the reason.

    `id` comes from the confirmation page: a second click finds this row and does nothing. `result` is the sentence for
    the staff member; empty while the act is under way.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    kind = models.CharField(max_length=30)
    staff = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="support_acts")
    connection_id = models.UUIDField(null=True)
    at = models.DateTimeField(default=timezone.now, db_index=True)
    result = models.CharField(max_length=300, blank=True)

    class Meta:
        app_label = "accounts"
        ordering: ClassVar = ["-at"]
        default_permissions: ClassVar = []
        permissions: ClassVar = [
            ("test_connection", "Can test a user's connection"),
            ("refresh_connection", "Can refresh the token of a user's connection"),
            ("ask_to_reconnect", "Can ask a user to reconnect a team"),
            ("disconnect_connection", "Can disconnect a user's team and revoke its token"),
            ("revoke_everything", "Can revoke all tokens of a user and end all sessions"),
            ("end_sessions", "Can end all sessions of a user"),
            ("resend_confirmation", "Can send a user the confirmation email again"),
            ("deactivate_account", "Can deactivate the account of a user"),
            ("reactivate_account", "Can reactivate the account of a user"),
            ("delete_account", "Can delete the account of a user"),
            ("export_data", "Can export the data of a user"),
            ("see_as_user", "Can view Conveyor as a user"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} at {self.at:%Y-%m-%d %H:%M}"
