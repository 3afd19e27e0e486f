"""What a droplet's pages tell of its actions: what is under way, and what has just ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from time import monotonic

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from accounts.models import Connection
from droplets.actions import following, pace, told
from droplets.actions.told import Told
from droplets.models import Action

_RECENT = timedelta(minutes=10)


@dataclass(frozen=True)
class Progress:
    """`poll_after` is in how many seconds asking `url` again makes sense; 0 where nothing is under way.

    `is_known` where anything was ever done to the droplet through Conveyor.
    """

    actions: tuple[Told, ...]
    poll_after: int
    url: str
    is_known: bool


def catch_up(connection: Connection, droplet: int) -> None:
    """Ask DigitalOcean about what is under way, where it is time to, within FLEET_DEADLINE seconds."""
    due = following.due(Action.objects.of_droplet(connection, droplet))
    if due:
        list(following.follow(connection, due, until=monotonic() + settings.FLEET_DEADLINE))


def of(connection: Connection, droplet: int) -> Progress:
    rows = list(Action.objects.of_droplet(connection, droplet).in_flight())
    poll_after = _poll_after(rows)
    last = Action.objects.of_droplet(connection, droplet).first()
    if last and last.ended_at and last.ended_at > timezone.now() - _RECENT:
        rows.insert(0, last)
    url = reverse("droplets:progress", args=[connection.pk, droplet])
    return Progress(tuple(told.of_rows(rows, connection.user)), poll_after, url, is_known=last is not None)


def _poll_after(rows: list[Action]) -> int:
    """When the first of these is to be asked about, in whole seconds from now."""
    moments = [row.ask_at for row in rows if row.ask_at]
    if not moments:
        return 0
    return max(ceil((min(moments) - timezone.now()).total_seconds()), ceil(pace.FIRST.total_seconds()))
