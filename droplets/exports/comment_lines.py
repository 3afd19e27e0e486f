"""Comment lines (`# …`) for exported files: how complete the fleet is, and which droplets are left out."""

from collections.abc import Iterable, Iterator
from datetime import UTC

from droplets.fleet.items import FleetItem
from droplets.fleet.service import Fleet


def comment(text: str) -> str:
    """One comment line: line breaks in `text` become spaces."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    return f"# {text}\n"


def state(fleet: Fleet) -> Iterator[str]:
    """When the oldest of its droplets were read, and what is wrong with each team."""
    if fleet.read_at:
        yield comment(f"As of {fleet.read_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC.")
    if not fleet.is_whole:
        yield comment("Not all droplets are here:")
    for source in fleet.sources:
        if source.problem and not source.is_shown_elsewhere:
            yield comment(f"{source.team.name}: {source.problem.happened}")


def left_out(items: Iterable[FleetItem]) -> Iterator[str]:
    """The droplets that have no address."""
    title = "\n# Left out, because they have no address:\n"
    for item in items:
        yield title + comment(f"  {item.droplet.name}, {item.team.name}")
        title = ""
