"""The actions shown on every page of a droplet: those in flight, and one that has just ended."""

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
    """`in_flight` are the rows in flight; `url` is to be polled after `poll_after` seconds, 0 where there are none.

    `is_known` tells whether Conveyor has any row of the droplet, `name` is the droplet's name in the latest one.
    `is_of_others` tells whether somebody else started some of `actions`.
    """

    actions: tuple[ActionDisplay, ...]
    in_flight: tuple[Action, ...]
    poll_after: int
    url: str
    is_known: bool
    name: str
    is_of_others: bool


def catch_up(connection: Connection, droplet: int) -> None:
    """Poll the droplet's due actions, within PAGE_DEADLINE seconds."""
    due = polling.due(Action.objects.of_droplet(connection, droplet))
    if due:
        list(polling.follow(connection, due, deadline=monotonic() + settings.PAGE_DEADLINE))


def progress_of(connection: Connection, droplet: int) -> Progress:
    """What the database knows; nothing is asked of DigitalOcean."""
    all_ = Action.objects.of_droplet(connection, droplet)
    in_flight = tuple(all_.in_flight())
    last = all_.first()
    is_recent = last is not None and last.ended_at is not None and last.ended_at > timezone.now() - _RECENT
    shown = [last, *in_flight] if last and is_recent else in_flight
    return Progress(
        tuple(display.display_rows(shown, connection.user)),
        in_flight,
        _poll_after(in_flight),
        reverse("droplets:progress", args=[connection.pk, droplet]),
        is_known=last is not None,
        name=last.droplet_name if last else "",
        is_of_others=any(row.user_id != connection.user.pk for row in shown),
    )


def _poll_after(rows: Iterable[Action]) -> int:
    """Whole seconds until the first of these rows is due for polling; 0 where there are none."""
    moments = [row.ask_at for row in rows if row.ask_at]
    if not moments:
        return 0
    return max(ceil((min(moments) - timezone.now()).total_seconds()), ceil(timing.FIRST.total_seconds()))
