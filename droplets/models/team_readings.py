"""Readings of teams that go on while nobody looks."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from accounts.models import Connection


class TeamReading(models.Model):
    """When a connection's droplets are to be read next, and the latest reading that had all of them.

    Whoever reads a connection takes its lease: one UPDATE sets `lease_id` and moves `due_at` behind the lease's end.
    `outcome` is the code of the error that the latest attempt ended with, "" for none. `entry` and `droplets` are as
    `droplets.fleet.readings` encodes them, and `taken_at` is when they were read, None before the first. Actions that
    ended up to `actions_until` are on the time line; None before the first reading of actions.
    """

    connection = models.OneToOneField(Connection, on_delete=models.CASCADE, primary_key=True, related_name="reading")
    due_at = models.DateTimeField("due", default=timezone.now, db_index=True)
    lease_id = models.UUIDField(null=True, editable=False, db_index=True)
    tried_at = models.DateTimeField("latest attempt", null=True)
    outcome = models.CharField(max_length=40, blank=True)
    taken_at = models.DateTimeField("read", null=True)
    entry = models.BinaryField(default=b"")
    droplets = models.BinaryField(default=b"")
    actions_until = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["due_at"]

    def __str__(self) -> str:
        return f"Reading of {self.connection_id}"
