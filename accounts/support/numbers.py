"""The numbers at the top of the admin: what is wrong now, each with the list of it.

Other apps register the numbers of their own tables in their `ready()`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.db.models import Count, Model, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from accounts.connection_conditions import NEEDS_OWNER, SICK
from accounts.models import Connection, Event, Revocation


@dataclass(frozen=True)
class Number:
    """`count` of what `label` says, and `url` of the list. `parts` are other numbers of the same."""

    label: str
    count: int
    url: str
    parts: tuple[Number, ...] = ()


Numbers = Callable[[], Number]

_numbers: list[tuple[str, Numbers]] = []


def register(permission: str, numbers: Numbers) -> None:
    """Add a number for staff with this permission."""
    if (permission, numbers) not in _numbers:
        _numbers.append((permission, numbers))


def numbers_for(request: HttpRequest) -> Iterable[Number]:
    """Those that the staff member may see the list of."""
    return [number() for permission, number in _numbers if request.user.has_perm(permission)]


def url_of(model: type[Model], **filters: str) -> str:
    """The address of a list of the admin with these filters."""
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return f"{url}?{urlencode(filters)}" if filters else url


def today() -> datetime:
    """The last midnight, in the time zone of Conveyor."""
    return timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)


def _connections() -> Number:
    found = Connection.objects.filter(SICK).aggregate(all=Count("pk"), owner=Count("pk", filter=NEEDS_OWNER))
    return Number(
        "Connections not healthy",
        found["all"],
        url_of(Connection, condition="sick"),
        (Number("need their owner", found["owner"], url_of(Connection, condition="reconnect")),),
    )


def _revocations() -> Number:
    now, queued = timezone.now(), Revocation.Status.QUEUED
    ages = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}
    found = Revocation.objects.filter(status=queued).aggregate(
        all=Count("pk"),
        **{name: Count("pk", filter=Q(created_at__lt=now - age)) for name, age in ages.items()},
    )
    parts = [
        Number(f"for more than {'an' if name == 'hour' else 'a'} {name}", found[name],
               url_of(Revocation, status__exact=queued, waiting=name))
        for name in ages
    ]  # fmt: skip
    return Number("Revocations waiting", found["all"], url_of(Revocation, status__exact=queued), tuple(parts))


def _emails() -> Number:
    since, failed = today(), Q(kind=Event.Kind.EMAIL) & ~Q(outcome="ok")
    return Number(
        "Emails failed today",
        Event.objects.filter(failed, at__gte=since).count(),
        url_of(Event, kind__exact=Event.Kind.EMAIL, ended="badly", at__gte=str(since)),
    )


register("accounts.view_connection", _connections)
register("accounts.view_revocation", _revocations)
register("accounts.view_event", _emails)
