"""Finds out which watchers have something to tell, from what was read already.

A watcher's state is what it has seen: for each team the droplets of its view at the latest complete reading. A newer
complete reading is compared with it; a partial or failed one changes nothing. The state and the messages are stored
in one transaction that holds the watcher's row, so each event is told once, however many evaluate at the same time.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from droplets.actions.kinds import KINDS
from droplets.fleet.items import FleetItem
from droplets.models import Action, Watcher
from droplets.search.index import SearchIndex
from droplets.search.query import Search
from droplets.watchers import deliveries
from droplets.watchers.known_teams import KnownTeam, teams_of

_FAILED = (Action.Status.ERRORED, Action.Status.REFUSED, Action.Status.LOST)
_ACTION_AGE = timedelta(days=7)
"""An action whose failure becomes known later than this is not told any more."""


class _Droplet(msgspec.Struct, array_like=True):
    name: str
    is_off: bool


class _Team(msgspec.Struct):
    """`monthly` in US dollars; the droplets of the view by id."""

    read_at: datetime
    monthly: float
    droplets: dict[str, _Droplet]


class _Outage(msgspec.Struct):
    since: datetime
    is_told: bool = False


class _State(msgspec.Struct):
    """`query` is that of the view at that time. Teams by key; `attempts` are the latest that were looked at."""

    query: str
    teams: dict[str, _Team] = {}
    attempts: dict[str, datetime] = {}
    outages: dict[str, _Outage] = {}
    is_above: bool = False
    actions: list[str] = []


class _Fleet:
    """The teams of a person, and which of their droplets a view has."""

    def __init__(self, teams: Sequence[KnownTeam]) -> None:
        self.teams = {reading.team.key: reading for reading in teams}
        self._index: SearchIndex | None = None
        self._found: dict[str, Mapping[str, Sequence[FleetItem]]] = {}

    def of_view(self, query: str) -> Mapping[str, Sequence[FleetItem]]:
        """The droplets of the view by the key of their team, of the teams with a complete reading."""
        if query not in self._found:
            if self._index is None:
                self._index = SearchIndex(item for reading in self.teams.values() for item in reading.items)
            found = defaultdict(list)
            for item in self._index.find(_search(query)).items:
                found[item.team.key].append(item)
            self._found[query] = found
        return self._found[query]


def evaluate(user: User) -> None:
    """Store what the watchers of this person have to tell, if the account is active."""
    watchers = Watcher.objects.filter(user=user, user__is_active=True, is_paused=False)
    pks = list(watchers.values_list("pk", flat=True))
    if not pks:
        return
    fleet = _Fleet(teams_of(user))
    for pk in pks:
        with transaction.atomic():
            watcher = watchers.select_for_update(of=("self",)).select_related("view").filter(pk=pk).first()
            if watcher:
                _evaluate(watcher, fleet)


def _evaluate(watcher: Watcher, fleet: _Fleet) -> None:
    state = _stored(watcher)
    for known in (state.teams, state.attempts, state.outages):
        for key in known.keys() - fleet.teams.keys():
            del known[key]  # disconnected: its droplets are not gone
    events = [*_compare(watcher, state, fleet)]
    if watcher.condition == Watcher.Condition.PRICE:
        events += _price(watcher, state)
    elif watcher.condition == Watcher.Condition.UNREADABLE:
        events += _unreadable(watcher, state, fleet)
    elif watcher.condition == Watcher.Condition.ACTION:
        events += _actions(watcher, state, fleet)
    stored = msgspec.to_builtins(state)
    if stored != watcher.state:
        watcher.state = stored
        watcher.save(update_fields=["state"])
    if events:
        deliveries.queue(watcher, events)


def _stored(watcher: Watcher) -> _State:
    """What it saw last. Nothing if the view was another one then: its droplets are neither new nor gone."""
    if watcher.state is not None:
        try:
            state = msgspec.convert(watcher.state, _State)
        except msgspec.ValidationError:  # of another version
            pass
        else:
            if state.query == watcher.view.query:
                return state
    return _State(watcher.view.query)


def _compare(watcher: Watcher, state: _State, fleet: _Fleet) -> Iterator[dict[str, Any]]:
    """Take the newer readings into the state. What the first one of a team has is not new."""
    for key, reading in fleet.teams.items():
        before = state.teams.get(key)
        if reading.began_at is None or reading.taken_at is None:
            continue
        # One that began before the latest ended may be the older one.
        if before and not (_is_newer(reading.began_at, before.read_at) and reading.taken_at != before.read_at):
            continue
        items = fleet.of_view(watcher.view.query).get(key, ())
        state.teams[key] = now = _Team(
            reading.taken_at,
            sum(item.droplet.monthly or 0 for item in items),
            {str(item.droplet.id): _Droplet(item.droplet.name, item.droplet.status == "off") for item in items},
        )
        if before:
            yield from _changes(watcher.condition, reading, before.droplets, now.droplets)


def _is_newer(at: datetime, known: datetime) -> bool:
    """Another process may hold an older reading. One from the future was stored before the clock was set back."""
    return at >= known or known > timezone.now() + timedelta(minutes=1)


def _changes(
    condition: str, reading: KnownTeam, before: Mapping[str, _Droplet], now: Mapping[str, _Droplet]
) -> Iterator[dict[str, Any]]:
    team = reading.team.name
    if condition == Watcher.Condition.NEW:
        for pk in (pk for pk in now if pk not in before):
            yield _event(reading, f"{now[pk].name} ({team}) is new", pk, now[pk].name)
    elif condition == Watcher.Condition.GONE:
        existing = {str(item.droplet.id) for item in reading.items}
        for pk in (pk for pk in before if pk not in now):
            why = "does not match the view any more" if pk in existing else "does not exist any more"
            yield _event(reading, f"{before[pk].name} ({team}) {why}", pk, before[pk].name)
    elif condition == Watcher.Condition.OFF:
        # Also one that has left the view by it: a view may be of active droplets only.
        off = {str(item.droplet.id) for item in reading.items if item.droplet.status == "off"}
        for pk, droplet in before.items():
            if pk in off and not droplet.is_off:
                yield _event(reading, f"{droplet.name} ({team}) is switched off", pk, droplet.name)


def _price(watcher: Watcher, state: _State) -> Iterator[dict[str, Any]]:
    """Tells that the limit is passed, and again only after the price was below it."""
    total = round(sum(team.monthly for team in state.teams.values()), 2)
    was_above, state.is_above = state.is_above, total > float(watcher.price or 0)
    if state.is_above and not was_above:
        yield {"text": f"The view {watcher.view.name} costs ${total:,.2f} a month", "monthly": total}


def _unreadable(watcher: Watcher, state: _State, fleet: _Fleet) -> Iterator[dict[str, Any]]:
    """Tells once for each outage. It lasts from the first failed attempt to the latest one."""
    wanted = _search(watcher.view.query).team
    for key, reading in fleet.teams.items():
        attempt = reading.attempt
        if attempt is None or (wanted and key not in wanted):
            continue
        known = state.attempts.get(key)
        if known and not _is_newer(attempt.ended_at, known):
            continue
        state.attempts[key] = attempt.ended_at
        if not attempt.failure:
            state.outages.pop(key, None)
            continue
        outage = state.outages.setdefault(key, _Outage(attempt.failed_at))
        if not outage.is_told and attempt.ended_at - outage.since >= timedelta(minutes=watcher.minutes or 0):
            outage.is_told = True
            name, since = reading.team.name, f"{outage.since:%Y-%m-%d %H:%M} UTC"
            yield {"text": f"{name} cannot be read since {since}. {attempt.failure}", "team": name}


def _actions(watcher: Watcher, state: _State, fleet: _Fleet) -> Iterator[dict[str, Any]]:
    """Tells of actions on these teams' droplets, whoever has run them, as the droplets' pages do."""
    by_connection = {pk: reading for reading in fleet.teams.values() for pk in reading.connections}
    since = max(watcher.since, timezone.now() - _ACTION_AGE)
    rows = Action.objects.filter(
        Q(connection_id__in=by_connection) | Q(team_uuid__in=[key for key in fleet.teams if key]),
        status__in=_FAILED,
        ended_at__gte=since,
    )
    found = {str(row.pk): row for row in rows}
    is_narrowed = _search(watcher.view.query).is_narrowed
    told = [pk for pk in state.actions if pk in found]
    for pk, row in found.items():
        reading = fleet.teams.get(row.team_uuid) or by_connection.get(row.connection_id)
        if pk in told or reading is None:
            continue
        seen = state.teams.get(reading.team.key)
        if is_narrowed and (seen is None or str(row.droplet_id) not in seen.droplets):
            continue
        told.append(pk)
        title = KINDS[row.kind].title if row.kind in KINDS else row.kind
        text = f"{title}: failed for {row.droplet_name} ({row.team_name}). {row.words}".strip()
        yield _event(reading, text, str(row.droplet_id), row.droplet_name)
    state.actions = told


def _event(reading: KnownTeam, text: str, droplet: str, name: str) -> dict[str, Any]:
    url = settings.BASE_URL + reverse("droplets:detail", args=[reading.team.connection, int(droplet)])
    return {"text": text, "team": reading.team.name, "droplet": int(droplet), "name": name, "url": url}


def _search(query: str) -> Search:
    return Search.from_query(QueryDict(query))
