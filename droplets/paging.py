"""A long list in pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from django.core.paginator import Page, Paginator

T = TypeVar("T")

PAGE_SIZE = 50


def page_of(items: Sequence[T], asked: str) -> Page[T]:
    """The page that `?page=` asks for: nonsense is the first, beyond the end is the last."""
    paginator = Paginator(items, PAGE_SIZE)
    # A longer number is beyond every end; Python refuses to read it from some length on.
    number = int(asked[:9]) if asked.isascii() and asked.isdigit() else 1
    return paginator.page(min(max(number, 1), paginator.num_pages))
