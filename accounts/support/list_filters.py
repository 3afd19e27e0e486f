"""Filters of the lists in the admin. None of them reads a table to know its choices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.contrib.admin import SimpleListFilter
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts import audit
from accounts.connection_conditions import (
    DIGITALOCEAN_FAILING,
    NEEDS_OWNER,
    NOT_WHOLE,
    REFRESH_FAILING,
    SICK,
)
from accounts.models import Connection, Event

Condition = Callable[[], Q]
Options = Mapping[str, tuple[str, Condition]]
"""By the value in the address: the label, and what holds for the rows. It is a function because of the time of day."""

EXPIRES_SOON = timedelta(days=7)

_FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def choice_filter(name: str, label: str, options: Options) -> type[SimpleListFilter]:
    """A filter with these options. A value that is none of them narrows nothing."""

    class ChoiceFilter(SimpleListFilter):
        title = label
        parameter_name = name

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            return [(value, text) for value, (text, _) in options.items()]

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            option = options.get(self.value() or "")
            return queryset.filter(option[1]()) if option else queryset

    return ChoiceFilter


def ago(time: timedelta, column: str) -> Condition:
    """The column's time is longer ago than this."""
    return lambda: Q(**{f"{column}__lt": timezone.now() - time})


def _connections(condition: Q = Q()) -> Exists:  # noqa: B008  # a Q never changes
    return Exists(Connection.objects.filter(condition, account__user=OuterRef("pk")))


def _log_ins() -> Exists:
    """Each belongs to a connection. Without the join PostgreSQL finds who has none several times as fast."""
    return Exists(SocialAccount.objects.filter(user=OuterRef("pk")))


def _expires_until(days: timedelta) -> Q:
    return Q(state=Connection.State.HEALTHY, token__expires_at__lt=timezone.now() + days)


PEOPLE_BY_CONNECTIONS = choice_filter("connections", "connections", {
    "never": ("Never connected a team", lambda: ~Q(_log_ins()) & ~Q(
        Exists(Event.objects.filter(kind=Event.Kind.CONNECT, user=OuterRef("pk")))
    )),
    "none": ("No team now", lambda: ~Q(_log_ins())),
    "sick": ("A team that is not healthy", lambda: Q(_connections(SICK))),
    "reconnect": ("A team to reconnect", lambda: Q(_connections(NEEDS_OWNER))),
    "live": ("Deactivated, with live access", lambda: Q(
        _connections(Q(state=Connection.State.HEALTHY, token__isnull=False)), is_active=False
    )),
})  # fmt: skip

PEOPLE_BY_EMAIL = choice_filter("email_state", "email address", {
    "unverified": ("Not confirmed", lambda: ~Q(
        Exists(EmailAddress.objects.filter(user=OuterRef("pk"), verified=True))
    )),
    "verified": ("Confirmed", lambda: Q(Exists(EmailAddress.objects.filter(user=OuterRef("pk"), verified=True)))),
})  # fmt: skip

PEOPLE_BY_SECOND_FACTOR = choice_filter("second_factor", "second factor", {
    "no": ("None", lambda: ~Q(Exists(Authenticator.objects.filter(user=OuterRef("pk"), type__in=_FACTORS)))),
    "yes": ("On", lambda: Q(Exists(Authenticator.objects.filter(user=OuterRef("pk"), type__in=_FACTORS)))),
})  # fmt: skip

CONNECTIONS_BY_CONDITION = choice_filter("condition", "condition", {
    "sick": ("Not healthy", lambda: SICK),
    "reconnect": ("Needs its owner", lambda: NEEDS_OWNER),
    "failing": ("DigitalOcean failing or rate limited", lambda: DIGITALOCEAN_FAILING),
    "failing-hour": ("DigitalOcean failing for more than an hour", lambda: (
        DIGITALOCEAN_FAILING & ago(timedelta(hours=1), "reading_since")()
    )),
    "failing-day": ("DigitalOcean failing for more than a day", lambda: (
        DIGITALOCEAN_FAILING & ago(timedelta(days=1), "reading_since")()
    )),
    "refresh": ("Refresh failing", lambda: REFRESH_FAILING),
    "incomplete": ("List not complete", lambda: NOT_WHOLE),
    "expiring": ("Token expires within 7 days", lambda: _expires_until(EXPIRES_SOON)),
    "expired": ("Token expired", lambda: _expires_until(timedelta())),
    "unread": ("Droplets never read", lambda: Q(droplets_read_at=None)),
    "healthy": ("Healthy", lambda: ~SICK),
})  # fmt: skip

CONNECTIONS_BY_OWNER = choice_filter("owner", "owner", {
    "deactivated": ("Deactivated", lambda: Q(account__user__is_active=False)),
    "unverified": ("Email not confirmed", lambda: ~Q(
        Exists(EmailAddress.objects.filter(user=OuterRef("account__user"), verified=True))
    )),
})  # fmt: skip

EVENTS_BY_OUTCOME = choice_filter("ended", "outcome", {
    "well": ("Went well", lambda: Q(outcome="ok")),
    "badly": ("Did not go well", lambda: ~Q(outcome="ok")),
})  # fmt: skip

EVENTS_BY_ACTOR = choice_filter("by", "who", {
    "person": ("The person", lambda: Q(actor=audit.PERSON)),
    "staff": ("Support", lambda: Q(actor=audit.STAFF)),
    "conveyor": ("Conveyor itself", lambda: ~Q(actor__in=(audit.PERSON, audit.STAFF))),
})  # fmt: skip

REVOCATIONS_BY_AGE = choice_filter("waiting", "waiting", {
    "hour": ("For more than an hour", ago(timedelta(hours=1), "created_at")),
    "day": ("For more than a day", ago(timedelta(days=1), "created_at")),
    "week": ("For more than a week", ago(timedelta(days=7), "created_at")),
})  # fmt: skip

REVOCATIONS_BY_TRIES = choice_filter("tries", "tries", {
    "failed": ("Tried, and failed", lambda: ~Q(last_error="")),
    "none": ("Not tried yet", lambda: Q(attempts=0)),
})  # fmt: skip
