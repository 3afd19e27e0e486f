"""Comments for files in which a line that begins with `#` is one: how whole a fleet is, and what is left out of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC

from droplets.fleet.items import FleetItem
from droplets.fleet.service import Fleet


def comment(text: str) -> str:
    """A line of its own; nothing in `text` begins another."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    return f"# {text}\n"


def state(fleet: Fleet) -> Iterator[str]:
    """Of when the oldest of it is, and what is wrong with each team."""
    if fleet.read_at:
        yield comment(f"As of {fleet.read_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC.")
    if not fleet.is_whole:
        yield comment("Not all droplets are here:")
    for source in fleet.sources:
        if source.trouble and not source.is_elsewhere:
            yield comment(f"{source.team.name}: {source.trouble.happened}")


def left_out(items: Iterable[FleetItem]) -> Iterator[str]:
    """The droplets that no other program can reach."""
    title = "\n# Without an address, and so left out:\n"
    for item in items:
        yield title + comment(f"  {item.row.name}, {item.team.name}")
        title = ""
