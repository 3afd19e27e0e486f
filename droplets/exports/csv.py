"""A spreadsheet: CSV as of RFC 4180, in UTF-8."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator

from droplets.fleet.items import FleetItem

COLUMNS = (
    "team", "team_uuid", "id", "name", "status", "locked", "region", "region_slug", "size_slug", "vcpus", "memory_mb",
    "disk_gb", "image", "public_addresses", "private_addresses", "tags", "monthly_usd", "created_at",
)  # fmt: skip

_FORMULA = re.compile(r'(^|;)([ "]*[=+\-@\t\r\n＝＋－＠])')  # full-width, as spreadsheets take them
"""What a cell must not begin with, or spreadsheets calculate it: https://owasp.org/www-community/attacks/CSV_Injection"""


def lines(items: Iterable[FleetItem]) -> Iterator[str]:
    """The head and a line for each droplet.

    Several addresses or tags stand in one cell with spaces between. Begins with the mark that tells spreadsheets UTF-8:
    without it they take names of other alphabets for something else.
    """
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow(COLUMNS)
    for item in items:
        yield writer.writerow([_safe(cell) for cell in _cells(item)])


class _Echo:
    """A file that gives back what is written to it: csv's `writerow` returns what `write` does."""

    def write(self, text: str) -> str:
        return text


def _cells(item: FleetItem) -> tuple[object, ...]:
    row, team = item.row, item.team
    return (
        team.name, team.key, row.id, row.name, row.status, "true" if row.locked else "false", row.region,
        row.region_slug, row.size_slug, row.vcpus, row.memory, row.disk, row.image, " ".join(row.public),
        " ".join(row.private), " ".join(row.tags), row.monthly, row.created_at.isoformat() if row.created_at else "",
    )  # fmt: skip


def _safe(cell: object) -> object:
    """Numbers stay numbers; what would be taken for a formula gets an apostrophe in front.

    So does what stands behind a semicolon, in quotes or not: in many languages spreadsheets begin a cell there.
    """
    return _FORMULA.sub(r"\1'\2", cell) if isinstance(cell, str) else cell
