"""A long list in pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from django.core.paginator import Page, Paginator

T = TypeVar("T")


def page_of(items: Sequence[T], number: int, per_page: int) -> Page[T]:
    """The page of that number, from 1; beyond the end is the last."""
    paginator = Paginator(items, per_page)
    return paginator.page(min(max(number, 1), paginator.num_pages))
