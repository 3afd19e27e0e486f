"""What a droplet's pages tell of its actions: what is under way, and what has just ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from time import monotonic

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from accounts.models import Connection
from droplets.actions import display, polling, timing
from droplets.actions.display import ActionDisplay
from droplets.models import Action

_RECENT = timedelta(minutes=10)


@dataclass(frozen=True)
class Progress:
    """`underway` are the rows of what is under way; `poll_after` is in how many seconds asking `url` about them again
    makes sense, 0 where there are none. `is_known` where anything was ever done to the droplet through Conveyor,
    `name` is how it was called then, `is_of_others` where some of what is told was done by somebody else.
    """

    actions: tuple[ActionDisplay, ...]
    underway: tuple[Action, ...]
    poll_after: int
    url: str
    is_known: bool
    name: str
    is_of_others: bool


def catch_up(connection: Connection, droplet: int) -> None:
    """Ask DigitalOcean about what is under way, where it is time to, within FLEET_DEADLINE seconds."""
    due = polling.due(Action.objects.of_droplet(connection, droplet))
    if due:
        list(polling.follow(connection, due, deadline=monotonic() + settings.FLEET_DEADLINE))


def progress_of(connection: Connection, droplet: int) -> Progress:
    all_ = Action.objects.of_droplet(connection, droplet)
    underway = tuple(all_.in_flight())
    last = all_.first()
    is_recent = last is not None and last.ended_at is not None and last.ended_at > timezone.now() - _RECENT
    shown = [last, *underway] if last and is_recent else underway
    return Progress(
        tuple(display.display_rows(shown, connection.user)),
        underway,
        _poll_after(underway),
        reverse("droplets:progress", args=[connection.pk, droplet]),
        is_known=last is not None,
        name=last.droplet_name if last else "",
        is_of_others=any(row.user_id != connection.user.pk for row in shown),
    )


def _poll_after(rows: Iterable[Action]) -> int:
    """When the first of these is to be asked about, in whole seconds from now."""
    moments = [row.ask_at for row in rows if row.ask_at]
    if not moments:
        return 0
    return max(ceil((min(moments) - timezone.now()).total_seconds()), ceil(timing.FIRST.total_seconds()))
