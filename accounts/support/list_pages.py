"""Pages of a long list, without counting all of it."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any

from django.core.paginator import Paginator
from django.db import connections
from django.db.models import QuerySet

MOST = 2_000
"""Rows of a list that can be paged through. Counting them takes the same time however many more there are."""


class CappedPaginator(Paginator):
    """`count` is `MOST` at most. `is_more` says that there are more rows, `about` how many there are, roughly."""

    object_list: QuerySet[Any]

    @cached_property
    def count(self) -> int:
        return min(self._counted, MOST)

    @property
    def is_more(self) -> bool:
        return self._counted > MOST

    @cached_property
    def about(self) -> int | None:
        """PostgreSQL's estimate of all rows; None where the database makes none."""
        if not self.is_more:
            return self._counted
        if connections[self.object_list.db].vendor != "postgresql":
            return None
        (plan,) = json.loads(self.object_list.order_by().explain(format="json"))
        return max(int(plan["Plan"]["Plan Rows"]), MOST)

    @cached_property
    def _counted(self) -> int:
        # Without an order, so that the database may stop at the first rows that it finds.
        return self.object_list.order_by().values("pk")[: MOST + 1].count()
