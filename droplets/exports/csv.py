"""CSV for spreadsheets, as RFC 4180 defines it, in UTF-8."""

import csv
import re
from collections.abc import Iterable, Iterator

from droplets.fleet.items import FleetItem

COLUMNS = (
    "team", "team_uuid", "id", "name", "status", "locked", "region", "region_slug", "size_slug", "vcpus", "memory_mb",
    "disk_gb", "image", "public_addresses", "private_addresses", "tags", "monthly_usd", "created_at",
)  # fmt: skip

_FORMULA = re.compile(r'(^|;)([ "]*[=+\-@\t\r\n＝＋－＠])')  # full-width, as spreadsheets take them
"""Spreadsheets take a cell that begins so for a formula: https://owasp.org/www-community/attacks/CSV_Injection"""


def lines(items: Iterable[FleetItem]) -> Iterator[str]:
    """The header, and a line for each droplet. Several addresses or tags share one cell, with spaces between."""
    return table(COLUMNS, map(_cells, items))


def table(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """The header, and a line for each row, safe for spreadsheets.

    The file begins with a byte order mark: without it spreadsheets do not read it as UTF-8.
    """
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow(columns)
    for row in rows:
        yield writer.writerow([_safe(cell) for cell in row])


class _Echo:
    """A file whose `write` returns the text, and so csv's `writerow` does."""

    def write(self, text: str) -> str:
        return text


def _cells(item: FleetItem) -> tuple[object, ...]:
    droplet, team = item.droplet, item.team
    return (
        team.name, team.key, droplet.id, droplet.name, droplet.status, "true" if droplet.locked else "false",
        droplet.region, droplet.region_slug, droplet.size_slug, droplet.vcpus, droplet.memory, droplet.disk,
        droplet.image, " ".join(droplet.public), " ".join(droplet.private), " ".join(droplet.tags), droplet.monthly,
        droplet.created_at.isoformat() if droplet.created_at else "",
    )  # fmt: skip


def _safe(cell: object) -> object:
    """Numbers stay numbers; a text that looks like a formula gets an apostrophe in front.

    The same behind a semicolon, in quotes or not: in many languages spreadsheets begin a new cell there.
    """
    return _FORMULA.sub(r"\1'\2", cell) if isinstance(cell, str) else cell
