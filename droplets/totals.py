"""What a list of droplets adds up to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from droplets.rows import Row
from droplets.statuses import Status, order, status_of

NARROWEST = 1.5
"""Percent of the bar that even a single droplet's status gets: thinner could not be seen."""


@dataclass(frozen=True)
class Share:
    """How many droplets have a status; `start` and `width` are percentages of a bar's length."""

    status: Status
    count: int
    start: str
    width: str


@dataclass(frozen=True)
class Totals:
    """`memory` in MB, `disk` in GB, `monthly` in US dollars. What DigitalOcean did not tell adds nothing."""

    droplets: int
    vcpus: int
    memory: int
    disk: int
    monthly: float
    by_status: tuple[Share, ...]

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Totals:
        rows = list(rows)
        return cls(
            droplets=len(rows),
            vcpus=sum(row.vcpus or 0 for row in rows),
            memory=sum(row.memory or 0 for row in rows),
            disk=sum(row.disk or 0 for row in rows),
            monthly=sum(row.monthly or 0 for row in rows),
            by_status=_shares(rows),
        )


def _shares(rows: list[Row]) -> tuple[Share, ...]:
    counts = Counter(status_of(row.status) for row in rows)
    widths = {status: max(100 * count / len(rows), NARROWEST) for status, count in counts.items()}
    scale = 100 / (sum(widths.values()) or 1)
    shares = []
    start = 0.0
    for status in sorted(counts, key=order):
        width = widths[status] * scale
        shares.append(Share(status, counts[status], f"{start:.3f}%", f"{width:.3f}%"))
        start += width
    return tuple(shares)
