"""A set of droplets to be searched. What pages want of it is computed once and kept while the set is the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_address
from itertools import chain
from typing import Any

from accounts.models import User
from common.lru import WeightedCache
from droplets.fleet.items import FleetItem, Team
from droplets.fleet.service import Fleet
from droplets.fleet.statuses import order, status_of
from droplets.fleet.summary import by_name, natural
from droplets.search.facets import Columns, Facet, Facets, columns, counted
from droplets.search.query import FILTERS, Search
from droplets.search.totals import Totals


@dataclass(frozen=True)
class SearchResult:
    """What a search comes to: the droplets in its order, what they add up to, the filters with their counts.

    `of` is how many droplets there are without the search.
    """

    items: Sequence[FleetItem]
    totals: Totals
    facets: tuple[Facet, ...]
    of: int


class SearchIndex:
    """`items` by name; `teams` are those that may be asked for, though nothing of them may be here.

    Safe to share between threads: two that compute the same at once only do it twice.
    """

    def __init__(self, items: Iterable[FleetItem], teams: Iterable[Team] = ()) -> None:
        self.items = tuple(sorted(items, key=lambda item: (by_name(item.row), item.team.key)))
        self._teams = tuple(teams)
        self._orders: dict[str, Sequence[int]] = {"name": range(len(self.items))}

    def find(self, search: Search) -> SearchResult:
        """The droplets that a search asks for.

        Every word has to be in a droplet's name, address, tags, id or image; of a filter's values one has to fit, and
        of the filters all. A value's count is of what there would be with all filters but its own.
        """
        positions = self._order(search.sort)
        if not search.is_narrowed:
            items: Sequence[FleetItem] = _View(self.items, positions)
            return SearchResult(items, self._totals, self._facets.of(search, self._facets.counts), len(items))
        fitting, fit = self._narrowed(search)
        items = [self.items[position] for position in positions if position in fitting]
        return SearchResult(items, Totals.of(items), self._facets.of(search, fit), len(self.items))

    def _narrowed(self, search: Search) -> tuple[set[int], dict[str, Counter[str]]]:
        """The positions of what fits, and for each filter how many fit all the others, by value. One pass."""
        wanted = [(name, frozenset(values), self._columns[name]) for name, values in search.filters.items()]
        fitting: list[int] = []
        failing: dict[str, list[int]] = {name: [] for name in FILTERS}
        for position in self._with_words(search.words):
            failed = [name for name, values, column in wanted if values.isdisjoint(column[position])]
            if not failed:
                fitting.append(position)
            elif len(failed) == 1:
                failing[failed[0]].append(position)
        return set(fitting), counted(self._columns, {name: chain(fitting, failing[name]) for name in FILTERS})

    def _with_words(self, words: Sequence[str]) -> Sequence[int]:
        if not words:
            return range(len(self.items))
        return [position for position, text in enumerate(self._haystacks) if all(word in text for word in words)]

    def _order(self, sort: str) -> Sequence[int]:
        """Positions in `items` in the order of a column; equals by name, and what is not known last, either way."""
        positions = self._orders.get(sort)
        if positions is None:
            values = [_SORTED_BY[sort.removeprefix("-")](item) for item in self.items]
            known = [position for position, value in enumerate(values) if value is not None]
            unknown = [position for position, value in enumerate(values) if value is None]
            known.sort(key=lambda position: values[position], reverse=sort.startswith("-"))
            positions = self._orders[sort] = (*known, *unknown)
        return positions

    @cached_property
    def _haystacks(self) -> tuple[str, ...]:
        return tuple(_haystack(item) for item in self.items)

    @cached_property
    def _columns(self) -> Columns:
        return columns(self.items)

    @cached_property
    def _facets(self) -> Facets:
        return Facets(self.items, self._columns, self._teams)

    @cached_property
    def _totals(self) -> Totals:
        return Totals.of(self.items)


def index_of(user: User, fleet: Fleet) -> SearchIndex:
    """The index of a person's fleet. Computed once for each set of droplets, and kept for the person's next page."""
    contents = fleet.contents
    kept = _indexes.get(user.pk)
    if kept and contents is not None and kept[0] == contents:
        return kept[1]
    index = SearchIndex(fleet.items, fleet.shown_teams)
    if contents is not None:
        _indexes.set(user.pk, (contents, index), len(index.items))
    return index


_indexes: WeightedCache[object, tuple[object, SearchIndex]] = WeightedCache()


class _View(Sequence[FleetItem]):
    """Items in another order, without making a list of them all for a page that shows fifty."""

    def __init__(self, items: Sequence[FleetItem], positions: Sequence[int]) -> None:
        self._items = items
        self._positions = positions

    def __len__(self) -> int:
        return len(self._positions)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self._items[position] for position in self._positions[index]]
        return self._items[self._positions[index]]


def _haystack(item: FleetItem) -> str:
    row = item.row
    # A line each, so that nothing is found across two of them.
    return "\n".join((row.name, *row.public, *row.private, *row.tags, str(row.id), row.image)).casefold()


def _address(item: FleetItem) -> tuple[int, int] | None:
    """By number, those of version 4 first; None for what is no address."""
    try:
        address = ip_address(item.row.address)
    except ValueError:
        return None
    return address.version, int(address)


def _size(item: FleetItem) -> tuple[int, int, int] | None:
    row = item.row
    known = (row.vcpus, row.memory, row.disk)
    return None if known == (None, None, None) else (row.vcpus or 0, row.memory or 0, row.disk or 0)


_SORTED_BY: dict[str, Callable[[FleetItem], Any]] = {
    "name": lambda item: natural(item.row.name),
    "status": lambda item: order(status_of(item.row.status)),
    "team": lambda item: (natural(item.team.name), item.team.key),
    "region": lambda item: (natural(item.row.region), item.row.region_slug) if item.row.region else None,
    "size": _size,
    "address": _address,
    "tags": lambda item: tuple(tag.casefold() for tag in item.row.tags) or None,
    "monthly": lambda item: item.row.monthly,
    # The age of what was made last is least.
    "age": lambda item: -item.row.created_at.timestamp() if item.row.created_at else None,
}
