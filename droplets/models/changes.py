"""The time line: what has changed in a team."""

from __future__ import annotations

from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Cast, Concat, Lower

from accounts.models import Connection, User


class ChangeQuerySet(models.QuerySet["Change"]):
    def visible_to(self, user: User) -> Self:
        """The changes of the teams that the user is connected to now. A connection that needs its owner shows none:
        DigitalOcean may have refused it because the user has left the team."""
        connections = Connection.objects.for_user(user).filter(state=Connection.State.HEALTHY)
        return self.filter(team_key__in={connection.team_key for connection in connections})


def _words() -> Lower:
    """What the search looks at, in one text: each searched field on a line of its own."""
    line = models.Value("\n")
    fields = ["droplet_name", "before", "after", Cast("droplet_id", models.TextField())]
    parts = [part for field in fields for part in (field, line)]
    return Lower(Concat(*parts[:-1], output_field=models.TextField()))


class Change(models.Model):
    """A change of a droplet, stored once for a team however many connections read it.

    It happened after `since` and up to `at`: those are the moments of two readings of the team, or when an action began
    and ended. `id` grows in the order of the commits. `before` and `after` are texts, "" for nothing. Where the change
    is an action that was sent by Conveyor, or its effect, `action_id` is that of the `Action`, and `user` the person,
    None once the account is deleted.

    The kinds in `ACTIONS` are actions of DigitalOcean that made no difference between two readings, `digitalocean_id`
    is their id. It is 0 for differences between two readings.
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
        REBOOT = "reboot", "Rebooted"
        POWER_CYCLE = "power_cycle", "Power cycled"
        SNAPSHOT = "snapshot", "Snapshot taken"
        RESTORE = "restore", "Restored from a backup"
        REBUILD = "rebuild", "Rebuilt"
        PASSWORD_RESET = "password_reset", "Root password reset"
        ENABLE_BACKUPS = "enable_backups", "Backups enabled"
        DISABLE_BACKUPS = "disable_backups", "Backups disabled"
        CHANGE_BACKUP_POLICY = "change_backup_policy", "Backup plan changed"
        ACTION = "action", "Other action"
        FAILED = "failed", "Action failed"

    ACTIONS: ClassVar = (
        Kind.REBOOT, Kind.POWER_CYCLE, Kind.SNAPSHOT, Kind.RESTORE, Kind.REBUILD, Kind.PASSWORD_RESET,
        Kind.ENABLE_BACKUPS, Kind.DISABLE_BACKUPS, Kind.CHANGE_BACKUP_POLICY, Kind.ACTION, Kind.FAILED,
    )  # fmt: skip

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
    digitalocean_id = models.BigIntegerField("DigitalOcean's id of the action", default=0)
    action_id = models.UUIDField(null=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    words = models.GeneratedField(expression=_words(), output_field=models.TextField(), db_persist=True)

    objects = ChangeQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        # PostgreSQL also has an index of the trigrams of `words`, where it may have the extension (0009).
        indexes: ClassVar = [
            models.Index(fields=["team_key", "id"]),
            models.Index(fields=["team_key", "kind", "id"]),
            models.Index(fields=["team_key", "action_id", "id"]),
            models.Index("team_key", Lower("droplet_name"), "droplet_id", name="changes_by_droplet_name"),
            models.Index(fields=["droplet_id"]),
            models.Index(fields=["droplet_name"]),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["team_key", "droplet_id", "kind", "since", "digitalocean_id"], name="each_change_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.title}: {self.droplet_name}"

    @property
    def title(self) -> str:
        """“Rebooted”, “Powered on”, “Power off failed”."""
        if self.kind == self.Kind.FAILED:
            return f"{self.after} failed"
        return self.after if self.kind == self.Kind.ACTION else self.Kind(self.kind).label

    @property
    def texts(self) -> tuple[str, str]:
        """Before and after, as far as the title does not say it."""
        return ("", "") if self.kind in (self.Kind.FAILED, self.Kind.ACTION) else (self.before, self.after)
