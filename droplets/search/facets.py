"""The filters beside the fleet: each value with how many droplets it would show, and the way there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import chain

from droplets.fleet.items import FleetItem, Team
from droplets.fleet.statuses import order, status_of
from droplets.fleet.summary import natural
from droplets.search.query import FILTERS, LONGEST, Search

SHOWN = 8
"""Values of a filter that stand open."""

FOLDED = 60
"""Further ones behind a fold. Whoever has more than that searches for a word of it."""

_TITLES = {"team": "Team", "status": "Status", "region": "Region", "size": "Size", "tag": "Tag"}

_VALUES: dict[str, Callable[[FleetItem], tuple[str, ...]]] = {
    "team": lambda item: (item.team.key,),
    "status": lambda item: (item.row.status,),
    "region": lambda item: (item.row.region_slug,),
    "size": lambda item: (item.row.size_slug,),
    "tag": lambda item: item.row.tags,
}

Columns = Mapping[str, Sequence[tuple[str, ...]]]
"""For each filter what each droplet has of it, in the order of a catalog's items."""


@dataclass(frozen=True)
class FacetValue:
    """`count` is how many droplets have it and pass all other filters. `team` for teams alone."""

    name: str
    value: str
    label: str
    count: int
    team: Team | None
    search: Search = field(repr=False)

    @property
    def selected(self) -> bool:
        return self.value in getattr(self.search, self.name)

    @property
    def query(self) -> str:
        """The search with this value put in or, where it is selected, taken out."""
        return self.search.toggled(self.name, self.value)


@dataclass(frozen=True)
class Facet:
    """`values` stand open, `more` behind a fold; `beyond` counts those that are too many to be listed at all."""

    name: str
    title: str
    values: tuple[FacetValue, ...]
    more: tuple[FacetValue, ...]
    beyond: int


def columns(items: Sequence[FleetItem]) -> Columns:
    """What the droplets have of each filter. What DigitalOcean did not tell is no value."""
    told = cache(_told)  # thousands of droplets have the same few
    return {name: [told(values(item)) for item in items] for name, values in _VALUES.items()}


def counted(columns: Columns, positions: Mapping[str, Iterable[int]] | None = None) -> dict[str, Counter[str]]:
    """For each filter how many droplets have each value: of all, or of those at its `positions`."""
    return {
        name: Counter(chain.from_iterable(column if positions is None else map(column.__getitem__, positions[name])))
        for name, column in columns.items()
    }


def _told(values: tuple[str, ...]) -> tuple[str, ...]:
    """Each once, and only what an address can ask for."""
    return tuple(dict.fromkeys(value for value in values if 0 < len(value) <= LONGEST and not value.isspace()))


class Facets:
    """The filters of one set of droplets: values, words and order computed once, as none may jump about while others
    are ticked."""

    def __init__(self, items: Sequence[FleetItem], columns: Columns, teams: Iterable[Team]) -> None:
        self.counts = counted(columns)
        self._teams = {team.key: team for team in (*teams, *(item.team for item in items))}
        self._places = {item.row.region_slug: item.row.region for item in items}
        self._same_place = Counter(self._places.values())
        self._known = {name: sorted(found, key=self._order(name)) for name, found in self.counts.items()}

    def of(self, search: Search, counts: Mapping[str, Counter[str]]) -> tuple[Facet, ...]:
        """Each filter with what `counts` counts."""
        return tuple(self._facet(name, counts[name], search) for name in FILTERS)

    def _facet(self, name: str, counts: Counter[str], search: Search) -> Facet:
        known = self._known[name]
        asked: tuple[str, ...] = getattr(search, name)
        first = known[:SHOWN]
        further = known[SHOWN : SHOWN + FOLDED]
        return Facet(
            name,
            _TITLES[name],
            values=tuple(self._value(name, value, counts, search) for value in dict.fromkeys((*first, *asked))),
            more=tuple(self._value(name, value, counts, search) for value in further if value not in asked),
            beyond=max(len(known) - SHOWN - FOLDED, 0),
        )

    def _value(self, name: str, value: str, counts: Counter[str], search: Search) -> FacetValue:
        team = self._teams.get(value) if name == "team" else None
        return FacetValue(name, value, self._label(name, value), counts[value], team, search)

    def _label(self, name: str, value: str) -> str:
        if name == "status":
            return status_of(value).word
        if name == "team" and value in self._teams:
            return self._teams[value].name
        if name == "region" and (place := self._places.get(value)):
            return place if self._same_place[place] == 1 else f"{place} ({value})"
        return value

    def _order(self, name: str) -> Callable[[str], tuple[object, ...]]:
        if name == "status":
            return lambda value: order(status_of(value))
        return lambda value: (-self.counts[name][value], natural(self._label(name, value)), value)
