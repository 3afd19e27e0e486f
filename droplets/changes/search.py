"""Finding changes: the search of the Activity page, its pages, and all that match for a download."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any, Self
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.db.models.functions import Lower

from accounts.models import Connection, User
from common.query import number
from digitalocean_client.text import clean_text
from droplets.fleet.summary import natural
from droplets.models import Change

PER_PAGE = 50
_AT_ONCE = 2_000
_LONGEST = 255
_LATEST = 300  # changes whose droplets' names are offered
_MOST_NAMED = 500  # droplets of one name

ME, CONVEYOR, OUTSIDE = "me", "conveyor", "outside"
"""Values of the filter by person that are no user's id: the viewer, anybody through Conveyor, and nobody known."""


@dataclass(frozen=True)
class ChangeSearch:
    """What a query string asks for. `team` is a team's key, `person` one of the above or a user's id.

    `droplet` is a droplet's id, or its whole name at any change, in any case of letters. `first` and `last` are days in
    UTC, both included. What makes no sense is left out.
    """

    q: str = ""
    team: str = ""
    droplet: str = ""
    kind: str = ""
    person: str = ""
    first: date | None = None
    last: date | None = None

    @classmethod
    def from_query(cls, query: Mapping[str, Any]) -> Self:
        kind, person = _text(query, "kind"), _text(query, "person")
        return cls(
            q=_text(query, "q"),
            team=_text(query, "team"),
            droplet=_text(query, "droplet"),
            kind=kind if kind in Change.Kind.values else "",
            person=person if person in (ME, CONVEYOR, OUTSIDE) or number(person) else "",
            first=_day(_text(query, "first")),
            last=_day(_text(query, "last")),
        )

    @property
    def is_narrowed(self) -> bool:
        return self != type(self)()

    def query(self, **more: Any) -> str:
        """The query string of this search, and of what else is given."""
        changed = replace(self, **{name: more.pop(name) for name in list(more) if hasattr(self, name)})
        pairs = {field.name: getattr(changed, field.name) for field in fields(self)} | more
        return urlencode({name: value for name, value in pairs.items() if value})


@dataclass(frozen=True)
class ChangePage:
    """`older` and `newer` are the ids to go on from, None where there is nothing."""

    changes: list[Change]
    older: int | None = None
    newer: int | None = None


class Timeline:
    """The changes that a user may see: of the teams that the user is connected to by a healthy connection.

    `paused` are connections that have to be reconnected before the changes of their teams are shown.
    """

    def __init__(self, user: User) -> None:
        self.user = user
        connections = list(Connection.objects.for_user(user))
        healthy = [each for each in connections if each.state == Connection.State.HEALTHY]
        self.teams: dict[str, Connection] = {each.team_key: each for each in reversed(healthy)}
        self.paused = [each for each in connections if each.team_key not in self.teams]
        self.is_connected = bool(connections)

    @cached_property
    def colleagues(self) -> dict[int, str]:
        """Other users who are connected to these teams: the email address that they have at DigitalOcean, by id."""
        uuids = [connection.team_uuid for connection in self.teams.values() if connection.team_uuid]
        rows = Connection.objects.filter(team_uuid__in=uuids).exclude(account__user=self.user).order_by("email")
        return {user: email or "A colleague" for user, email in rows.values_list("account__user", "email")}

    def who(self, change: Change) -> str:
        """Who did it, "" where it was not done through Conveyor."""
        if change.action_id is None:
            return ""
        if change.user_id is None:
            return "A deleted account"
        return "You" if change.user_id == self.user.pk else self.colleagues.get(change.user_id, "A colleague")

    def page(self, search: ChangeSearch, *, before: int = 0, after: int = 0, size: int = PER_PAGE) -> ChangePage:
        """The changes with an id below `before` or above `after`, the latest first."""
        found = self.find(search)
        if after:
            rows = list(found.filter(id__gt=after).order_by("id")[: size + 1])
            changes = rows[size - 1 :: -1] if len(rows) > size else rows[::-1]
            has_newer, has_older = len(rows) > size, bool(rows)
        else:
            rows = list(found.filter(id__lt=before)[: size + 1] if before else found[: size + 1])
            changes = rows[:size]
            has_newer, has_older = bool(before), len(rows) > size
        if not changes:
            return ChangePage([])
        older, newer = changes[-1].pk, changes[0].pk
        return ChangePage(changes, older if has_older else None, newer if has_newer else None)

    def everything(self, search: ChangeSearch) -> Iterator[Change]:
        """All that match, the latest first, read in parts while they are sent."""
        found, before = self.find(search), 0
        while rows := list(found.filter(id__lt=before)[:_AT_ONCE] if before else found[:_AT_ONCE]):
            yield from rows
            before = rows[-1].pk

    def of_droplet(self, connection: Connection, droplet: int, *, is_gone: bool) -> list[Change]:
        """The latest changes of a droplet, for a page that also has the actions that DigitalOcean or Conveyor lists.

        DigitalOcean has no list of actions for a droplet that is gone.
        """
        found = self.find(ChangeSearch(team=connection.team_key)).filter(droplet_id=droplet)
        listed = Q(kind__in=Change.ACTIONS)
        return list(found.exclude(listed & Q(action_id__isnull=False) if is_gone else listed)[:PER_PAGE])

    @cached_property
    def droplet_names(self) -> list[str]:
        """Names of the droplets that have changed last, to choose from."""
        latest = self.find(ChangeSearch()).values_list("droplet_name", flat=True)[:_LATEST]
        return sorted(set(latest), key=natural)

    def find(self, search: ChangeSearch) -> QuerySet[Change]:
        teams = set(self.teams) & ({search.team} if search.team else set(self.teams))
        found = Change.objects.filter(team_key__in=teams).order_by("-id")
        if search.droplet:
            found = found.filter(self._on(search.droplet, teams))
        if search.kind:
            found = found.filter(kind=search.kind)
        if search.first:
            found = found.filter(at__gte=datetime.combine(search.first, time.min, UTC))
        if search.last:
            found = found.filter(at__lt=datetime.combine(search.last, time.min, UTC) + timedelta(days=1))
        for word in search.q.split():
            found = found.filter(words__contains=word.lower())
        return found.filter(self._by(search.person))

    def _on(self, droplet: str, teams: set[str]) -> Q:
        """The changes of a droplet, by its id or a name that it has or had."""
        changes = Change.objects.filter(team_key__in=teams).order_by()
        named = changes.alias(lower=Lower("droplet_name")).filter(lower=droplet.lower())  # as the index has it
        renamed = changes.filter(kind=Change.Kind.RENAMED, before__iexact=droplet)
        ids = {number(droplet)}
        for found in (named, renamed):
            ids |= set(found.values_list("droplet_id", flat=True).distinct()[:_MOST_NAMED])
        return Q(droplet_id__in=ids)

    def _by(self, person: str) -> Q:
        match person:
            case "":
                return Q()
            case "outside":
                return Q(action_id=None)
            case "conveyor":
                return Q(action_id__isnull=False)
            case "me":
                return Q(user=self.user.pk)
        return Q(user=number(person))


def _text(query: Mapping[str, Any], name: str) -> str:
    return clean_text(str(query.get(name, ""))[:_LONGEST]).strip()


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if date(2000, 1, 1) <= found < date(9999, 1, 1) else None
