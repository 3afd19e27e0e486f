"""The search of the support desk: from any id, name or address to the person.

Each finder looks for the exact text in columns that have an index, so a search takes the same time however many rows
there are. Other apps register finders for their own tables in their `ready()`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from uuid import UUID

from allauth.account.models import EmailAddress
from django.db.models import Q

from accounts.models import Connection, Event, OutcomeInterval, Revocation, User
from accounts.security_events import hash_of
from accounts.support.access import people_for

MOST = 50
"""Of each finder, and of the whole answer."""

_LONGEST = 255


@dataclass(frozen=True)
class Hit:
    """Something that has the text: whose it is, and what it is, in a few words."""

    user_id: int
    what: str


@dataclass(frozen=True)
class PersonFound:
    """A person, and what of theirs has the text."""

    person: User
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Results:
    """`events` have the text and belong to nobody: an email to an unknown address, a wrong password."""

    people: tuple[PersonFound, ...]
    events: tuple[Event, ...]


@dataclass(frozen=True)
class Words:
    """What was typed, and what it may be: `uuid` and `number` are None where it is none."""

    text: str
    uuid: UUID | None
    number: int | None

    @classmethod
    def from_text(cls, typed: str) -> Words:
        # PostgreSQL refuses a text with a null character.
        text = " ".join(typed.replace("\0", " ").split())[:_LONGEST]
        is_number = text.isascii() and text.isdigit() and len(text) < 19  # as far as a bigint goes
        return cls(text, _uuid(text), int(text) if is_number else None)


_OF_CONNECTIONS = {
    "email": "DigitalOcean email",
    "user_uuid": "DigitalOcean user",
    "team_uuid": "DigitalOcean team",
    "team_name": "Team",
    "reading_request_id": "Latest reading",
}

Finder = Callable[[Words], Iterable[Hit]]

_finders: list[Finder] = []


def register(finder: Finder) -> None:
    """Add a finder. It takes the same queries for every text, and returns at most `MOST` hits."""
    if finder not in _finders:
        _finders.append(finder)


def find(staff: User, words: Words) -> Results:
    """The people whose rows have exactly this text, of those that the staff member may see. Raises PermissionDenied."""
    visible = people_for(staff)
    reasons: dict[int, list[str]] = {}
    if words.text:
        for finder in (_people, _connections, _intervals, *_finders):
            for hit in finder(words):
                found = reasons.setdefault(hit.user_id, [])
                if hit.what not in found:
                    found.append(hit.what)
    events = list(_events(words)) if words.text else []
    owners = _owners(events)
    for event in events:
        user_id = event.user_id or owners.get(event.connection_id)
        if user_id:
            found = reasons.setdefault(user_id, [])
            if (what := f"Event: {event.get_kind_display()}") not in found:
                found.append(what)
    people = visible.filter(pk__in=list(reasons)).order_by("email")[:MOST]
    return Results(
        tuple(PersonFound(person, tuple(reasons[person.pk])) for person in people),
        tuple(event for event in events if not (event.user_id or owners.get(event.connection_id))),
    )


def _people(words: Words) -> Iterable[Hit]:
    is_user = Q(email=words.text.lower()) | (Q(pk=words.number) if words.number is not None else Q())
    for pk in User.objects.filter(is_user).values_list("pk", flat=True)[:MOST]:
        yield Hit(pk, "Account")
    rows = EmailAddress.objects.filter(email=words.text.lower()).values_list("user_id", "verified")
    for pk, verified in rows[:MOST]:
        yield Hit(pk, "Email address" if verified else "Email address, not confirmed")


def _connections(words: Words) -> Iterable[Hit]:
    wanted = Q(pk=words.uuid) if words.uuid else Q()
    for name in _OF_CONNECTIONS:
        wanted |= Q(**{f"{name}__in": {words.text, words.text.lower()}})
    for row in Connection.objects.filter(wanted).select_related("account").order_by()[:MOST]:
        for name, label in _OF_CONNECTIONS.items():
            if getattr(row, name).lower() == words.text.lower():
                yield Hit(row.account.user_id, label if name == "team_name" else f"{label} of {row.team_name}")
        if row.pk == words.uuid:
            yield Hit(row.account.user_id, f"Connection to {row.team_name}")


def _intervals(words: Words) -> Iterable[Hit]:
    wanted = Q(request_id=words.text) | (Q(connection_id=words.uuid) if words.uuid else Q())
    for row in OutcomeInterval.objects.filter(wanted).order_by()[:MOST]:
        yield Hit(row.user_id, f"{row.get_kind_display()} of {row.team_name}: {row.outcome}")


def _events(words: Words) -> Iterable[Event]:
    wanted = Q(request_id=words.text) | Q(page_request_id=words.text)
    if "@" in words.text:
        wanted |= Q(address_hash=hash_of(words.text))
    revoked = Revocation.objects.filter(request_id=words.text).values_list("connection_id", flat=True)[:MOST]
    wanted |= Q(connection_id__in=[pk for pk in (words.uuid, *revoked) if pk])
    return Event.objects.filter(wanted).select_related("user")[:MOST]


def _owners(events: Iterable[Event]) -> dict[UUID | None, int]:
    """Whose the connections of events without a user are, also where they are deleted by now."""
    ids = {event.connection_id for event in events if event.connection_id and not event.user_id}
    owners: dict[UUID | None, int] = {}
    past = Event.objects.filter(connection_id__in=ids).exclude(user=None).order_by()
    owners.update(past.values_list("connection_id", "user_id")[: MOST * 4])
    owners.update(Connection.objects.filter(pk__in=ids).order_by().values_list("pk", "account__user_id"))
    return owners


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
