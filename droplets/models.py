"""What people keep of their fleet, and what they have done to it."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Self
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.utils import timezone

from accounts.models import Connection


class SavedView(models.Model):
    """A search that a person has given a name. `query` is canonical, as `Search.query` writes it."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views")
    name = models.CharField(max_length=60)
    query = models.TextField(blank=True)
    saved_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["name", "pk"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "name"], name="one_saved_view_of_a_name")]

    def __str__(self) -> str:
        return self.name


class ActionQuerySet(models.QuerySet["Action"]):
    def of_droplet(self, connection: Connection, droplet: int) -> Self:
        """What was done to a droplet through this connection, or any other of the same team; the latest first.

        Who has connected a team may see what its members do: DigitalOcean shows them the same.
        """
        through = models.Q(connection_id=connection.pk)
        if connection.team_uuid:
            through |= models.Q(team_uuid=connection.team_uuid)
        return self.filter(through, droplet_id=droplet).select_related("user")

    def in_flight(self) -> Self:
        return self.filter(status__in=Action.IN_FLIGHT)


class Action(models.Model):
    """Something that a person wants done to a droplet: a row before it is a request, and never a request twice.

    The request goes out once, by whoever turns `recorded` into `sending`. Where the answer is lost the row stays
    `sending` until it is found among the droplet's actions, or is taken for lost. `ask_at` is when DigitalOcean is to
    be asked about it next, None once it is over; who asks moves it ahead first, so that one asks at a time.

    It keeps names, so that it outlives connection and droplet. `began_at` is DigitalOcean's `started_at`: with the id
    it makes an action one row's alone.
    """

    class Status(models.TextChoices):
        RECORDED = "recorded", "About to be sent"
        SENDING = "sending", "Sent, not heard of yet"
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
    words = models.CharField("what is to be said", max_length=500, blank=True)
    recorded_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True)
    began_at = models.DateTimeField("started at DigitalOcean", null=True)
    ended_at = models.DateTimeField(null=True)
    ask_at = models.DateTimeField("to be asked about", null=True, db_index=True)

    objects = ActionQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-recorded_at", "-pk"]
        indexes: ClassVar = [models.Index(fields=["droplet_id", "team_uuid"])]
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
        """When it happened, as DigitalOcean has it where it knows of it."""
        return self.began_at or self.sent_at or self.recorded_at
