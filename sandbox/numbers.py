"""Parses whole numbers in URLs."""

from __future__ import annotations

DIGITS = 15  # more than any id or page has, below Python's limit for int()


def parse_number(text: str) -> int | None:
    """The number in `text`, or None unless it is a few decimal digits."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= DIGITS else None
