"""Reads whole numbers out of addresses."""

from __future__ import annotations

DIGITS = 15  # more than any id or page has, fewer than Python minds


def whole(text: str) -> int | None:
    """The number that `text` is, or None when it is anything but a few plain digits."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= DIGITS else None
