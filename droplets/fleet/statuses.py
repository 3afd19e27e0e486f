"""A droplet's status in words, and how a page marks it: by a shape and a colour, never by colour alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

_WORDS = {
    "active": ("Active", "ok"),
    "off": ("Off", "off"),
    "new": ("New", "info"),
    "archive": ("Archived", "warn"),
}


@dataclass(frozen=True)
class DropletStatus:
    """`slug` as DigitalOcean says it; `look` is the badge's: ok, off, info or warn."""

    slug: str
    word: str
    look: str


@lru_cache(maxsize=64)
def status_of(slug: str) -> DropletStatus:
    """One that DigitalOcean does not document is shown under its own name."""
    word, look = _WORDS.get(slug, (slug.replace("_", " ").capitalize() or "Unknown", "off"))
    return DropletStatus(slug, word, look)


def order(status: DropletStatus) -> tuple[int, str]:
    """Sorts the documented ones first, as they are listed above."""
    known = [*_WORDS, status.slug]
    return known.index(status.slug), status.word
