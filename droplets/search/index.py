"""The search index of a fleet: what pages need of its droplets, computed once while they stay the same."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
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
from droplets.fleet.summary import DropletSummary, by_name, natural
from droplets.search.facets import Columns, Facet, Facets, columns, counted
from droplets.search.query import FILTERS, Search
from droplets.search.totals import Totals

_MAYBE_ADDRESS = re.compile(r"[0-9.]+|.*:.*")
"""A word that can be a part of an IP address. “db” is none: it would match every address in 2001:db8::/32."""


@dataclass(frozen=True)
class SearchResult:
    """The droplets that a search finds, in its order, with their totals and the filters with their counts.

    `total` is how many droplets there are without the search.
    """

    items: Sequence[FleetItem]
    totals: Totals
    facets: tuple[Facet, ...]
    total: int


class SearchIndex:
    """`items` sorted by name. `teams` are listed in the filter, even those that have no items.

    Safe to share between threads: the worst is that two compute the same value.
    """

    def __init__(self, items: Iterable[FleetItem], teams: Iterable[Team] = ()) -> None:
        self.items = tuple(sorted(items, key=lambda item: (by_name(item.droplet), item.team.key)))
        self._teams = tuple(teams)
        self._orders: dict[str, Sequence[int]] = {"name": range(len(self.items))}

    def find(self, search: Search, team_states: Mapping[str, str] | None = None) -> SearchResult:
        """The droplets that match a search.

        Every word has to be in a droplet's name, tags, id or image, or, where it looks like a part of an IP address,
        in one of its addresses. A droplet matches a filter with any of the filter's values, and has to match all
        filters. A value's count is of the droplets that match all filters but its own. `team_states`: `Facets`.
        """
        states = team_states or {}
        positions = self._order(search.sort)
        if not search.is_narrowed:
            items: Sequence[FleetItem] = _View(self.items, positions)
            facets = self._facets.counted_as(self._facets.counts, search, states)
            return SearchResult(items, self._totals, facets, len(items))
        matching, counts = self._matches(search)
        items = [self.items[position] for position in positions if position in matching]
        return SearchResult(
            items, Totals.from_items(items), self._facets.counted_as(counts, search, states), len(self.items)
        )

    def _matches(self, search: Search) -> tuple[set[int], dict[str, Counter[str]]]:
        """The positions of what matches, and for each filter how many match all the others, by value. One pass."""
        wanted = [(name, frozenset(values), self._columns[name]) for name, values in search.filters.items()]
        matching: list[int] = []
        failing: dict[str, list[int]] = {name: [] for name in FILTERS}
        for position in self._with_words(search.words):
            failed = [name for name, values, column in wanted if values.isdisjoint(column[position])]
            if not failed:
                matching.append(position)
            elif len(failed) == 1:
                failing[failed[0]].append(position)
        return set(matching), counted(self._columns, {name: chain(matching, failing[name]) for name in FILTERS})

    def _with_words(self, words: Sequence[str]) -> Sequence[int]:
        if not words:
            return range(len(self.items))
        texts = [self._texts_and_addresses if _MAYBE_ADDRESS.fullmatch(word) else self._texts for word in words]
        wanted = list(zip(words, texts, strict=True))
        return [at for at in range(len(self.items)) if all(word in columns[at] for word, columns in wanted)]

    def _order(self, sort: str) -> Sequence[int]:
        """Positions in `items` in the order of a column. Equal ones by name; unknown ones last, in either direction."""
        positions = self._orders.get(sort)
        if positions is None:
            values = [_SORTED_BY[sort.removeprefix("-")](item) for item in self.items]
            known = [position for position, value in enumerate(values) if value is not None]
            unknown = [position for position, value in enumerate(values) if value is None]
            known.sort(key=lambda position: values[position], reverse=sort.startswith("-"))
            positions = self._orders[sort] = (*known, *unknown)
        return positions

    @cached_property
    def _texts(self) -> tuple[str, ...]:
        return tuple(_text(item.droplet) for item in self.items)

    @cached_property
    def _texts_and_addresses(self) -> tuple[str, ...]:
        addresses = ("\n".join((*item.droplet.public, *item.droplet.private)).casefold() for item in self.items)
        return tuple(map("\n".join, zip(self._texts, addresses, strict=True)))

    @cached_property
    def _columns(self) -> Columns:
        return columns(self.items)

    @cached_property
    def _facets(self) -> Facets:
        return Facets(self.items, self._columns, self._teams)

    @cached_property
    def _totals(self) -> Totals:
        return Totals.from_items(self.items)


def index_of(user: User, fleet: Fleet) -> SearchIndex:
    """The index of a person's fleet, made only where the droplets are not those of the person's last page."""
    key = fleet.items_key
    held = _indexes.get(user.pk)
    if held and key is not None and held[0] == key:
        return held[1]
    index = SearchIndex(fleet.items, fleet.teams)
    if key is not None:
        _indexes.set(user.pk, (key, index), len(index.items))
    return index


_indexes: WeightedCache[object, tuple[object, SearchIndex]] = WeightedCache()


class _View(Sequence[FleetItem]):
    """Items in another order, without a list of all of them for a page that shows fifty."""

    def __init__(self, items: Sequence[FleetItem], positions: Sequence[int]) -> None:
        self._items = items
        self._positions = positions

    def __len__(self) -> int:
        return len(self._positions)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self._items[position] for position in self._positions[index]]
        return self._items[self._positions[index]]


def _text(droplet: DropletSummary) -> str:
    # One value in each line, so that no word is found across two of them.
    return "\n".join((droplet.name, *droplet.tags, str(droplet.id), droplet.image)).casefold()


def _address(item: FleetItem) -> tuple[int, int] | None:
    """Sorts by number, version 4 first; None for what is no IP address."""
    try:
        address = ip_address(item.droplet.address)
    except ValueError:
        return None
    return address.version, int(address)


def _size(item: FleetItem) -> tuple[int, int, int] | None:
    droplet = item.droplet
    known = (droplet.vcpus, droplet.memory, droplet.disk)
    return None if known == (None, None, None) else (droplet.vcpus or 0, droplet.memory or 0, droplet.disk or 0)


_SORTED_BY: dict[str, Callable[[FleetItem], Any]] = {
    "name": lambda item: natural(item.droplet.name),
    "status": lambda item: order(status_of(item.droplet.status)),
    "team": lambda item: (natural(item.team.name), item.team.key),
    "region": lambda item: (natural(item.droplet.region), item.droplet.region_slug) if item.droplet.region else None,
    "size": _size,
    "address": _address,
    "tags": lambda item: tuple(tag.casefold() for tag in item.droplet.tags) or None,
    "monthly": lambda item: item.droplet.monthly,
    # The newest droplet has the lowest age.
    "age": lambda item: -item.droplet.created_at.timestamp() if item.droplet.created_at else None,
}
