"""What a set of droplets amounts to, computed once and kept for as long as the set is the same."""

from __future__ import annotations

from collections.abc import Iterable

from droplets.items import Item
from droplets.rows import by_name
from droplets.totals import Totals


class Catalog:
    """`items` by name, and their totals."""

    def __init__(self, items: Iterable[Item]) -> None:
        self.items = tuple(sorted(items, key=lambda item: by_name(item.row)))
        self.totals = Totals.of(item.row for item in self.items)
