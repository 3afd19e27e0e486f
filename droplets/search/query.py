"""The query string of the fleet's page: words, filters, order and page. Reading it never raises."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any, Self
from urllib.parse import urlencode

from django.http import QueryDict

from droplets.fleet.summary import tag_key

COLUMNS = (
    ("name", "Name"),
    ("status", "Status"),
    ("team", "Team"),
    ("region", "Region"),
    ("size", "Size"),
    ("address", "Public address"),
    ("tags", "Tags"),
    ("monthly", "Monthly"),
    ("age", "Age"),
)
"""The columns that can be sorted by, and their titles."""

FILTERS = ("team", "status", "region", "size", "tag")
"""The filters, each with any number of values, in the order in which pages show them."""

PAGE_SIZES = (50, 100, 200)

LONGEST = 255
"""Characters that are used of the words, and of a filter's value."""

_MOST_VALUES = 50
_KEYS = frozenset(key for key, _ in COLUMNS)


@dataclass(frozen=True)
class Search:
    """`sort` is a column's key, after a `-` for descending order. `page` counts from 1. Tags are their `tag_key`."""

    q: str = ""
    team: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    region: tuple[str, ...] = ()
    size: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    sort: str = "name"
    page: int = 1
    per_page: int = PAGE_SIZES[0]

    @classmethod
    def from_query(cls, query: QueryDict) -> Self:
        """Parameters that make no sense are ignored. A filter's value that no droplet has finds nothing."""
        sort = query.get("sort", "")
        per_page = _number(query.get("per_page", ""))
        return cls(
            q=" ".join(_clean(query.get("q", "")).split()),
            sort=sort if sort.removeprefix("-") in _KEYS else "name",
            page=max(_number(query.get("page", "")), 1),
            per_page=per_page if per_page in PAGE_SIZES else PAGE_SIZES[0],
            **{name: _values(query.getlist(name)) for name in FILTERS if name != "tag"},
            tag=_values(map(tag_key, query.getlist("tag"))),
        )

    @property
    def sorted_by(self) -> tuple[str, bool]:
        """The column's key, and whether the order is descending."""
        return self.sort.removeprefix("-"), self.sort.startswith("-")

    @property
    def words(self) -> tuple[str, ...]:
        """In lower case. A droplet has to match all of them."""
        return tuple(self.q.casefold().split())

    @property
    def is_narrowed(self) -> bool:
        """Whether some droplets are left out."""
        return bool(self.q or self.filters)

    @property
    def filters(self) -> dict[str, tuple[str, ...]]:
        """The filters that are set."""
        return {name: values for name in FILTERS if (values := getattr(self, name))}

    def query(self, **changes: Any) -> str:
        """The query string of this search with changes. Defaults are left out; equal searches have equal strings.

        With any change but of the page it leads to the first page.
        """
        search = replace(self, **({"page": 1} | changes))
        pairs: list[tuple[str, object]] = []
        for field in fields(search):
            value = getattr(search, field.name)
            if isinstance(value, tuple):
                pairs += [(field.name, each) for each in sorted(value)]
            elif value != field.default:
                pairs.append((field.name, value))
        return urlencode(pairs)

    def toggled(self, name: str, value: str) -> str:
        """The query string with one value of a filter added or, where it is selected, removed."""
        values: tuple[str, ...] = getattr(self, name)
        changed = tuple(each for each in values if each != value) if value in values else (*values, value)
        return self.query(**{name: changed})

    def order_of(self, key: str) -> str:
        """How the list is sorted by a column, in ARIA's words: “ascending”, “descending”; empty where it is not."""
        current, is_descending = self.sorted_by
        return "" if key != current else "descending" if is_descending else "ascending"

    def sorted_on(self, key: str) -> str:
        """The query string that sorts by a column, descending where this search sorts by it ascending."""
        return self.query(sort=f"-{key}" if self.sort == key else key)

    @property
    def cleared(self) -> str:
        """The query string without words and filters, in the same order."""
        return self.query(q="", **dict.fromkeys(FILTERS, ()))


def _values(given: Iterable[str]) -> tuple[str, ...]:
    cleaned = dict.fromkeys(_clean(value) for value in given)
    return tuple(sorted([value for value in cleaned if not value.isspace() and value][:_MOST_VALUES]))


def _clean(text: str) -> str:
    """Without characters that cannot be printed."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "" for c in text[:LONGEST])


def _number(text: str) -> int:
    # Nine digits are more than any page; Python refuses to read numbers of thousands of digits.
    return int(text[:9]) if text.isascii() and text.isdigit() else 0
