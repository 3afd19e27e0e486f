"""The actions that people have run on droplets."""

from datetime import datetime
from typing import ClassVar, Self
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.utils import timezone

from accounts.models import Connection


class ActionQuerySet(models.QuerySet["Action"]):
    def of_droplet(self, connection: Connection, droplet: int) -> Self:
        """The actions on a droplet through this or any other connection to the same team, the latest first.

        So a person sees the actions of other members of the team, as DigitalOcean's own panel shows them.
        """
        return self.in_team(connection).filter(droplet_id=droplet).select_related("user")

    def in_team(self, connection: Connection) -> Self:
        """The actions through this or any other connection to the same team."""
        through = models.Q(connection_id=connection.pk)
        if connection.team_uuid:
            through |= models.Q(team_uuid=connection.team_uuid)
        return self.filter(through)

    def in_flight(self) -> Self:
        return self.filter(status__in=Action.IN_FLIGHT)


class Action(models.Model):
    """An action on a droplet: stored before its request is sent, and sent once.

    The request is sent by whoever changes `recorded` to `sending`. Where the answer is lost the row stays `sending`
    until the action is found among the droplet's actions at DigitalOcean, or is given up as lost. `ask_at` is when to
    ask DigitalOcean about it next, None once it has ended; whoever asks first moves it ahead, so that only one asks.

    It stores names, as connection and droplet may be deleted before it. `began_at` is DigitalOcean's `started_at`;
    together with `digitalocean_id` it belongs to one row only. `email_due_at` is when an email about it is to be sent,
    None where there is none to send, or no more.
    """

    class Status(models.TextChoices):
        RECORDED = "recorded", "About to be sent"
        SENDING = "sending", "Sent, no answer yet"
        IN_PROGRESS = "in_progress", "Under way"
        COMPLETED = "completed", "Done"
        ERRORED = "errored", "Failed"
        REFUSED = "refused", "Refused"
        LOST = "lost", "Lost"

    IN_FLIGHT: ClassVar = (Status.RECORDED, Status.SENDING, Status.IN_PROGRESS)

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="actions")
    key = models.UUIDField("the form's one-time key")
    connection_id = models.UUIDField(db_index=True)
    team_uuid = models.CharField("DigitalOcean team", max_length=80, blank=True)
    team_name = models.CharField("team", max_length=255)
    droplet_id = models.BigIntegerField("droplet")
    droplet_name = models.CharField(max_length=255)
    kind = models.CharField(max_length=40)
    parameters = models.JSONField(default=dict)

    status = models.CharField(max_length=20, choices=Status.choices, default=Status.RECORDED)
    digitalocean_id = models.BigIntegerField("DigitalOcean's id", null=True)
    request_id = models.CharField("DigitalOcean's request id", max_length=100, blank=True)
    words = models.CharField("message", max_length=500, blank=True)
    recorded_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True)
    began_at = models.DateTimeField("started at DigitalOcean", null=True)
    ended_at = models.DateTimeField(null=True)
    ask_at = models.DateTimeField("next poll", null=True, db_index=True)
    email_due_at = models.DateTimeField("email due", null=True, db_index=True)

    objects = ActionQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-recorded_at", "-pk"]
        indexes: ClassVar = [
            models.Index(fields=["droplet_id", "team_uuid"]),
            models.Index(fields=["-recorded_at", "-id"]),
            models.Index(fields=["status", "-recorded_at"]),
            models.Index(fields=["kind", "-recorded_at"]),
            # For support: the actions of a team, and one by the id or name that a person has.
            models.Index(fields=["team_uuid", "-recorded_at"]),
            models.Index(fields=["droplet_name"]),
            models.Index(fields=["request_id"]),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "key"], name="one_action_of_a_form"),
            models.UniqueConstraint(fields=["digitalocean_id", "began_at"], name="one_row_of_an_action"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.droplet_name}, {self.status}"

    @property
    def is_in_flight(self) -> bool:
        return self.status in self.IN_FLIGHT

    @property
    def moment(self) -> datetime:
        """When it happened, by DigitalOcean's clock where it has started there."""
        return self.began_at or self.sent_at or self.recorded_at
