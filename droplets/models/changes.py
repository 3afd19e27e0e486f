"""The time line: what has changed in a team."""

from __future__ import annotations

from typing import ClassVar, Self

from django.conf import settings
from django.db import models

from accounts.models import Connection, User


class ChangeQuerySet(models.QuerySet["Change"]):
    def visible_to(self, user: User) -> Self:
        """The changes of the teams that the user is connected to now. A connection that needs its owner shows none:
        DigitalOcean may have refused it because the user has left the team."""
        connections = Connection.objects.for_user(user).filter(state=Connection.State.HEALTHY)
        return self.filter(team_key__in={connection.team_key for connection in connections})


class Change(models.Model):
    """A change of a droplet, stored once for a team however many connections read it.

    It happened after `since` and up to `at`: those are the moments of two readings of the team. `id` grows in the order
    of the commits. `before` and `after` are texts, "" for nothing. Where the change is the effect of an action that was
    sent by Conveyor, `action_id` is that of the `Action`, and `user` the person, None once the account is deleted.
    """

    class Kind(models.TextChoices):
        APPEARED = "appeared", "New droplet"
        GONE = "gone", "Gone"
        RENAMED = "renamed", "Renamed"
        RESIZED = "resized", "Resized"
        POWERED_ON = "powered_on", "Powered on"
        POWERED_OFF = "powered_off", "Powered off"
        STATUS = "status", "Status changed"
        ADDRESSES = "addresses", "Addresses changed"
        TAGS = "tags", "Tags changed"
        PRICE = "price", "Price changed"

    id = models.BigAutoField(primary_key=True)
    team_key = models.CharField("team", max_length=80)
    team_name = models.CharField(max_length=255)
    droplet_id = models.BigIntegerField("droplet")
    droplet_name = models.CharField(max_length=255)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    before = models.TextField(blank=True)
    after = models.TextField(blank=True)
    since = models.DateTimeField()
    at = models.DateTimeField(db_index=True)
    action_id = models.UUIDField(null=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    objects = ChangeQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [models.Index(fields=["team_key", "id"])]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["team_key", "droplet_id", "kind", "since"], name="each_change_once")
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.droplet_name}"
