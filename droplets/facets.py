"""The filters beside the fleet: each value with how many droplets it would show, and the way there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from droplets.items import Item, Team
from droplets.search import FILTERS, Search
from droplets.statuses import order, status_of

SHOWN = 8
"""Values of a filter that stand open."""

FOLDED = 60
"""Further ones behind a fold. Whoever has more than that searches for a word of it."""

_TITLES = {"team": "Team", "status": "Status", "region": "Region", "size": "Size", "tag": "Tag"}


@dataclass(frozen=True)
class FacetValue:
    """`query` is the search with this value put in or, where `selected`, taken out. `team` for teams alone."""

    value: str
    label: str
    count: int
    selected: bool
    query: str
    team: Team | None = None


@dataclass(frozen=True)
class Facet:
    """`values` stand open, `more` behind a fold; `beyond` counts those that are too many to be listed at all."""

    name: str
    title: str
    values: tuple[FacetValue, ...]
    more: tuple[FacetValue, ...]
    beyond: int


def values_of(item: Item) -> dict[str, tuple[str, ...]]:
    """What a droplet has of each filter. What DigitalOcean did not tell is no value."""
    row = item.row
    return {
        "team": (item.team.key,),
        "status": (row.status,) if row.status else (),
        "region": (row.region_slug,) if row.region_slug else (),
        "size": (row.size_slug,) if row.size_slug else (),
        "tag": tuple(dict.fromkeys(row.tags)),
    }


class Facets:
    """The filters of one set of droplets: values, words and order computed once, as none may jump about while others
    are ticked."""

    def __init__(self, items: Sequence[Item], values: Sequence[Mapping[str, tuple[str, ...]]]) -> None:
        self.counts: dict[str, Counter[str]] = {name: Counter() for name in FILTERS}
        for each in values:
            for name, some in each.items():
                self.counts[name].update(some)
        self._teams = {item.team.key: item.team for item in items}
        self._places = {item.row.region_slug: item.row.region for item in items}
        self._same_place = Counter(self._places.values())
        self._known = {name: sorted(counts, key=self._order(name)) for name, counts in self.counts.items()}

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
        return FacetValue(
            value=value,
            label=self._label(name, value),
            count=counts[value],
            selected=value in getattr(search, name),
            query=search.toggled(name, value),
            team=self._teams.get(value) if name == "team" else None,
        )

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
        return lambda value: (-self.counts[name][value], self._label(name, value).casefold(), value)
