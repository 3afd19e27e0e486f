"""The history of an account as its owner reads it: the entries of the audit log that are about the person."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from accounts import audit
from accounts.models import Connection, Event, User
from digitalocean_client import errors

PER_PAGE = 50

_Kind = Event.Kind
_LOG_INS = (
    _Kind.SIGN_UP, _Kind.LOG_IN, _Kind.TWO_FACTOR, _Kind.PASSWORD_RESET, _Kind.SECOND_FACTOR_RESET, _Kind.SIGN_IN,
)  # fmt: skip
_CONNECTIONS = (
    _Kind.CONNECT, _Kind.RECONNECT, _Kind.REFRESH, _Kind.SCOPE, _Kind.REFUSED, _Kind.LOST, _Kind.DISCONNECT,
    _Kind.REVOKE, _Kind.REENCRYPT,
)  # fmt: skip
FILTERS: dict[str, tuple[str, Q]] = {
    "": ("Everything", Q()),
    "log-ins": ("Log-ins", Q(kind__in=_LOG_INS)),
    "connections": ("Connections", Q(kind__in=_CONNECTIONS)),
    "emails": ("Emails", Q(kind=_Kind.EMAIL)),
    "support": ("Support", Q(actor=audit.STAFF)),
}
"""What the page can be narrowed to: the value in the address, its label, its condition."""

_ABOUT_ADDRESSES = re.compile(r"^(address|staff) [0-9a-f]{12}$")
"""Parts of an event's details that are hashes, of use to nobody who reads their own history."""

_SENTENCES = {
    kind.code: kind.sentence
    for kind in (
        errors.NeedsReconnect, errors.TokenRejected, errors.InvalidGrant, errors.Misconfigured, errors.NotAllowed,
        errors.RateLimited, errors.Unavailable, errors.TooSlow, errors.AnswerLost, errors.UnexpectedAnswer,
    )
}  # fmt: skip
"""By outcome."""


@dataclass(frozen=True)
class HistoryEntry:
    """An event in the words of the page. `outcome` is empty where it went well; `who` is You, Support or Conveyor.

    `reference` is DigitalOcean's request id.
    """

    id: int
    at: datetime
    kind: str
    what: str
    outcome: str
    who: str
    team: str
    detail: str
    reference: str


@dataclass(frozen=True)
class HistoryPage:
    """`older` and `newer` are the ids to go on from, None where there is nothing."""

    entries: list[HistoryEntry]
    older: int | None = None
    newer: int | None = None


def events_of(user: User) -> QuerySet[Event]:
    """What happened to this person's account and connections, the latest first.

    Background work stores whose connection it was, not whose account: those connections are the ones that the person
    has, and the ones that the person has connected or disconnected before.
    """
    now = Connection.objects.filter(account__user=user).values_list("pk", flat=True)
    earlier = Event.objects.filter(user=user, kind__in=(_Kind.CONNECT, _Kind.RECONNECT, _Kind.DISCONNECT))
    own = {*now, *earlier.values_list("connection_id", flat=True)} - {None}
    return Event.objects.filter(Q(user=user) | Q(user=None, connection_id__in=own)).order_by("-id")


def page(user: User, *, show: str = "", before: int = 0, after: int = 0, size: int = PER_PAGE) -> HistoryPage:
    """The entries with an id below `before` or above `after`. `show` is a key of FILTERS."""
    found = events_of(user).filter(FILTERS[show][1])
    if after:
        rows = list(found.filter(id__gt=after).order_by("id")[: size + 1])
        events, has_newer, has_older = rows[:size][::-1], len(rows) > size, bool(rows)
    else:
        rows = list(found.filter(id__lt=before)[: size + 1] if before else found[: size + 1])
        events, has_newer, has_older = rows[:size], bool(before), len(rows) > size
    if not events:
        return HistoryPage([])
    older, newer = events[-1].pk, events[0].pk
    return HistoryPage(list(entries(events)), older if has_older else None, newer if has_newer else None)


def entries(events: Iterable[Event]) -> Iterable[HistoryEntry]:
    """Each event in the words of the page."""
    return (_entry(event) for event in events)


def _entry(event: Event) -> HistoryEntry:
    detail = ", ".join(part for part in event.detail.split(", ") if not _ABOUT_ADDRESSES.match(part))
    if event.kind == Event.Kind.EMAIL:
        detail = detail.replace("_", " ")  # the name of a template
    who = {audit.PERSON: "You", audit.STAFF: "Support"}.get(event.actor, "Conveyor")
    if who == "You" and event.outcome != "ok":
        who = "Somebody"  # who typed a wrong code need not be the owner
    return HistoryEntry(
        id=event.pk,
        at=event.at,
        kind=event.kind,
        what=event.get_kind_display(),
        outcome=_outcome(event.outcome),
        who=who,
        team=event.team_name,
        detail=detail,
        reference=event.request_id,
    )


def _outcome(outcome: str) -> str:
    if outcome == "ok":
        return ""
    return _SENTENCES.get(outcome) or outcome.replace("_", " ").capitalize()
