"""What the page of a person shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts import history, second_factor_reset
from accounts.connection_state import ConnectionState, state_of
from accounts.models import Connection, Event, OutcomeInterval, User
from accounts.security_events import hash_of
from accounts.support import panels

_EVENTS = 50  # on a page
_EMAILS = 20
_INTERVALS = 30
_SESSIONS = 50

_FACTORS = {
    Authenticator.Type.TOTP: "Authenticator app",
    Authenticator.Type.WEBAUTHN: "Passkey",
    Authenticator.Type.RECOVERY_CODES: "Recovery codes",
}


@dataclass(frozen=True)
class SessionDisplay:
    """A browser that is logged in. Without the session's key, which would open it."""

    user_agent: str
    ip: str
    created_at: datetime
    last_seen_at: datetime


@dataclass(frozen=True)
class FactorDisplay:
    """A second factor, without its secret."""

    label: str
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True)
class ConnectionDisplay:
    """A connection and its state, as its owner sees it. `since` is when the state began, None where that is unknown.

    `refresh` is the interval of refreshes that goes on, None where none has been recorded.
    """

    connection: Connection
    state: ConnectionState
    refresh: OutcomeInterval | None

    @property
    def since(self) -> datetime | None:
        if self.state.since:
            return self.state.since
        is_refresh = self.refresh is not None and not self.refresh.is_ok and not self.state.is_healthy
        return self.refresh.started_at if is_refresh and self.refresh else None

    @property
    def next_try(self) -> datetime | None:
        """When Conveyor tries again to read the droplets or to refresh the token; None if it does not wait."""
        moments = [self.connection.retry_at, self.connection.reading_retry_at]
        return max((at for at in moments if at and at > timezone.now()), default=None)


def context_for(person: User, *, page: str = "") -> dict[str, Any]:
    """The context of `admin/support/person.html`. The same number of queries, however many rows there are.

    `page` is that of the events.
    """
    connections = connections_of(person)
    sessions = sessions_of(person)
    factors = list(Authenticator.objects.filter(user=person).order_by("type", "created_at"))
    events = history.events_of(person).exclude(kind=Event.Kind.EMAIL).select_related("staff")
    return {
        "person": person,
        "login_ways": _login_ways(person, connections, factors),
        "email_addresses": EmailAddress.objects.filter(user=person).order_by("-primary", "email"),
        "factors": [_factor(each) for each in factors],
        "factor_is_on": any(each.type != Authenticator.Type.RECOVERY_CODES for each in factors),
        "factor_reset": second_factor_reset.open_request(person),
        "sessions": sessions,
        "last_seen": max([*(each.last_seen_at for each in sessions), *filter(None, [person.last_login])], default=None),
        "connections": connections,
        "sick": [each for each in connections if not each.state.is_healthy],
        "intervals": OutcomeInterval.objects.filter(user=person)[:_INTERVALS],
        "panels": panels.panels_for(person),
        "events": Paginator(events, _EVENTS).get_page(page),
        "emails": emails_to(person)[:_EMAILS],
    }


def connections_of(person: User) -> list[ConnectionDisplay]:
    """The person's connections, in display order."""
    refreshes = {
        row.connection_id: row
        for row in OutcomeInterval.objects.filter(user=person, kind=OutcomeInterval.Kind.REFRESH, ended_at=None)
    }
    rows: Iterable[Connection] = Connection.objects.for_user(person)
    return [_connection(each, refreshes) for each in rows]


def sessions_of(person: User) -> list[SessionDisplay]:
    """The browsers that are logged in, the latest used first."""
    rows = list(UserSession.objects.filter(user=person).order_by("-last_seen_at")[:_SESSIONS])
    # allauth's rows stay after a session has ended by itself; its own list asks for each session one by one.
    going_on = set(
        Session.objects.filter(
            session_key__in=[row.session_key for row in rows], expire_date__gt=timezone.now()
        ).values_list("session_key", flat=True)
    )
    return [
        SessionDisplay(row.user_agent, row.ip, row.created_at, row.last_seen_at)
        for row in rows
        if row.session_key in going_on
    ]


def emails_to(person: User) -> QuerySet[Event]:
    """The emails sent to the person, also those to the address before it had an account, the latest first."""
    return Event.objects.filter(Q(user=person) | Q(address_hash=hash_of(person.email)), kind=Event.Kind.EMAIL)


def _connection(connection: Connection, refreshes: dict[UUID, OutcomeInterval]) -> ConnectionDisplay:
    return ConnectionDisplay(connection, state_of(connection), refreshes.get(connection.pk))


def _login_ways(person: User, connections: list[ConnectionDisplay], factors: list[Authenticator]) -> list[str]:
    """How the person can log in, in words."""
    ways = ["Password"] if person.has_usable_password() else []
    teams = [each.connection for each in connections if each.connection.sign_in]
    ways += [f"DigitalOcean, with {team.team_name}" for team in teams]
    if any(each.type == Authenticator.Type.WEBAUTHN for each in factors):
        ways.append("Passkey")
    return ways


def _factor(row: Authenticator) -> FactorDisplay:
    return FactorDisplay(_FACTORS.get(row.type, row.type), row.created_at, row.last_used_at)
