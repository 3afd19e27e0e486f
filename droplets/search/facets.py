"""The filters beside the fleet: each value with how many droplets it would show, and the link to them."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import chain

from droplets.fleet.items import FleetItem, Team
from droplets.fleet.statuses import order, status_of
from droplets.fleet.summary import natural, tag_key
from droplets.search.query import FILTERS, LONGEST, Search

SHOWN = 8
"""Values of a filter that are shown at once."""

FOLDED = 60
"""Further values, shown when they are opened. Values beyond these are found by the search."""

_TITLES = {"team": "Team", "status": "Status", "region": "Region", "size": "Size", "tag": "Tag"}

_VALUES: dict[str, Callable[[FleetItem], tuple[str, ...]]] = {
    "team": lambda item: (item.team.key,),
    "status": lambda item: (item.droplet.status,),
    "region": lambda item: (item.droplet.region_slug,),
    "size": lambda item: (item.droplet.size_slug,),
    "tag": lambda item: item.droplet.tags,
}

Columns = Mapping[str, Sequence[tuple[str, ...]]]
"""For each filter the values of each droplet, in the order of the index's items."""


@dataclass(frozen=True)
class FacetValue:
    """`count` is how many droplets have the value and match all other filters.

    `team` is set for teams only; `state` says why nothing is known of a team's droplets.
    """

    name: str
    value: str
    label: str
    count: int
    team: Team | None
    state: str
    search: Search = field(repr=False)

    @property
    def selected(self) -> bool:
        return self.value in getattr(self.search, self.name)

    @property
    def query(self) -> str:
        """The query string that adds this value or, where it is selected, removes it."""
        return self.search.toggled(self.name, self.value)


@dataclass(frozen=True)
class Facet:
    """`values` are shown at once, `more` when they are opened; `beyond` counts the values that are not listed."""

    name: str
    title: str
    values: tuple[FacetValue, ...]
    more: tuple[FacetValue, ...]
    beyond: int


def columns(items: Sequence[FleetItem]) -> Columns:
    """For each filter the values of each droplet. What DigitalOcean did not send is no value."""
    # Cached, since thousands of droplets have the same few values.
    usable = {name: cache(_usable_tags if name == "tag" else _usable) for name in _VALUES}
    return {name: [usable[name](values(item)) for item in items] for name, values in _VALUES.items()}


def counted(columns: Columns, positions: Mapping[str, Iterable[int]] | None = None) -> dict[str, Counter[str]]:
    """For each filter how many droplets have each value: of all droplets, or of those at its `positions`."""
    return {
        name: Counter(chain.from_iterable(column if positions is None else map(column.__getitem__, positions[name])))
        for name, column in columns.items()
    }


def _usable(values: tuple[str, ...]) -> tuple[str, ...]:
    """Unique values that fit into a query string."""
    return tuple(dict.fromkeys(value for value in values if 0 < len(value) <= LONGEST and not value.isspace()))


def _usable_tags(tags: tuple[str, ...]) -> tuple[str, ...]:
    return _usable(tuple(map(tag_key, tags)))


class Facets:
    """The filters of one set of droplets. Values, labels and order are computed once, so that they stay in place while
    a person ticks others."""

    def __init__(self, items: Sequence[FleetItem], columns: Columns, teams: Iterable[Team]) -> None:
        self.counts = counted(columns)
        self._teams = {team.key: team for team in (*teams, *(item.team for item in items))}
        self._places = {item.droplet.region_slug: item.droplet.region for item in items}
        self._same_place = Counter(self._places.values())
        spellings = Counter(chain.from_iterable(item.droplet.tags for item in items)).most_common()
        self._spellings = {tag_key(tag): tag for tag, _ in reversed(spellings)}
        # A team is listed even where none of its droplets is here.
        found = {**self.counts, "team": {**dict.fromkeys(self._teams, 0), **self.counts["team"]}}
        self._values = {name: sorted(found[name], key=self._order(name)) for name in self.counts}

    def counted_as(
        self, counts: Mapping[str, Counter[str]], search: Search, team_states: Mapping[str, str]
    ) -> tuple[Facet, ...]:
        """Each filter with its `counts`. `team_states` are texts for teams of which nothing is known, by team key."""
        return tuple(self._facet(name, counts[name], search, team_states) for name in FILTERS)

    def _facet(self, name: str, counts: Counter[str], search: Search, states: Mapping[str, str]) -> Facet:
        known = self._values[name]
        asked: tuple[str, ...] = getattr(search, name)
        first = known[:SHOWN]
        further = known[SHOWN : SHOWN + FOLDED]
        return Facet(
            name,
            _TITLES[name],
            values=tuple(self._value(name, value, counts, search, states) for value in dict.fromkeys((*first, *asked))),
            more=tuple(self._value(name, value, counts, search, states) for value in further if value not in asked),
            beyond=max(len(known) - SHOWN - FOLDED, 0),
        )

    def _value(
        self, name: str, value: str, counts: Counter[str], search: Search, states: Mapping[str, str]
    ) -> FacetValue:
        team = self._teams.get(value) if name == "team" else None
        state = states.get(value, "") if team else ""
        return FacetValue(name, value, self._label(name, value), counts[value], team, state, search)

    def _label(self, name: str, value: str) -> str:
        if name == "status":
            return status_of(value).label
        if name == "team" and value in self._teams:
            return self._teams[value].name
        if name == "region" and (place := self._places.get(value)):
            return place if self._same_place[place] == 1 else f"{place} ({value})"
        return self._spellings.get(value, value) if name == "tag" else value

    def _order(self, name: str) -> Callable[[str], tuple[object, ...]]:
        if name == "status":
            return lambda value: order(status_of(value))
        return lambda value: (-self.counts[name][value], natural(self._label(name, value)), value)
