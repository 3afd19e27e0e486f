"""What a list of droplets adds up to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from droplets.fleet.items import FleetItem
from droplets.fleet.statuses import order, status_of
from droplets.fleet.summary import natural

NARROWEST = 1.5
"""Percent of the bar that even a single droplet's status gets: thinner could not be seen."""

MOST_BARS = 5
"""Regions and teams that are shown each with a bar; the others are one more."""


@dataclass(frozen=True)
class Share:
    """How many droplets have something in common, and what they cost, in US dollars a month.

    `look` is how it is marked: a status's look, a team's square. `start` and `width` are percentages of a bar's length;
    those of a status follow one another, the others are each a bar of its own.
    """

    key: str
    label: str
    look: str
    count: int
    monthly: float
    start: str = "0%"
    width: str = "0%"


@dataclass
class _Sum:
    first: FleetItem
    count: int = 0
    monthly: float = 0.0


@dataclass(frozen=True)
class Totals:
    """`memory` in MB, `disk` in GB, `monthly` in US dollars. What DigitalOcean did not tell adds nothing.

    `off` and `off_monthly` are what is switched off and billed all the same: DigitalOcean keeps a droplet's disk,
    processors and addresses for it until it is destroyed.
    """

    droplets: int
    vcpus: int
    memory: int
    disk: int
    monthly: float
    by_status: tuple[Share, ...]
    by_region: tuple[Share, ...]
    by_team: tuple[Share, ...]
    off: int
    off_monthly: float

    @classmethod
    def of(cls, items: Iterable[FleetItem]) -> Totals:
        items = list(items)
        rows = [item.row for item in items]
        off = [row for row in rows if row.status == "off"]
        return cls(
            droplets=len(rows),
            vcpus=sum(row.vcpus or 0 for row in rows),
            memory=sum(row.memory or 0 for row in rows),
            disk=sum(row.disk or 0 for row in rows),
            monthly=sum(row.monthly or 0 for row in rows),
            by_status=_in_one_bar(_sums(items, lambda item: item.row.status), len(rows)),
            by_region=_bars(_sums(items, lambda item: item.row.region_slug).values(), _region),
            by_team=_bars(_sums(items, lambda item: item.team.key).values(), _team),
            off=len(off),
            off_monthly=sum(row.monthly or 0 for row in off),
        )


def _sums(items: Sequence[FleetItem], key_of: Callable[[FleetItem], str]) -> dict[str, _Sum]:
    sums: dict[str, _Sum] = {}
    for item in items:
        key = key_of(item)
        total = sums.get(key)
        if total is None:
            total = sums[key] = _Sum(first=item)
        total.count += 1
        total.monthly += item.row.monthly or 0
    return sums


def _in_one_bar(sums: dict[str, _Sum], all_: int) -> tuple[Share, ...]:
    widths = {slug: max(100 * total.count / all_, NARROWEST) for slug, total in sums.items()}
    scale = 100 / (sum(widths.values()) or 1)
    shares = []
    start = 0.0
    for slug in sorted(sums, key=lambda slug: order(status_of(slug))):
        width = widths[slug] * scale
        status, total = status_of(slug), sums[slug]
        shares.append(
            Share(slug, status.word, status.look, total.count, total.monthly, f"{start:.3f}%", f"{width:.3f}%")
        )
        start += width
    return tuple(shares)


def _bars(sums: Iterable[_Sum], words: Callable[[FleetItem], tuple[str, str, str]]) -> tuple[Share, ...]:
    """The largest first, each as long as it is against the largest; the smallest together."""
    shares = [Share(*words(total.first), total.count, total.monthly) for total in sums]
    shares.sort(key=lambda share: (-share.count, natural(share.label), share.key))
    others = shares[MOST_BARS:]
    if len(others) > 1:
        count, monthly = sum(share.count for share in others), sum(share.monthly for share in others)
        shares[MOST_BARS:] = [Share("", f"{len(others)} others", "", count, monthly)]
    longest = max((share.count for share in shares), default=1)
    return tuple(replace(share, width=f"{max(100 * share.count / longest, NARROWEST):.3f}%") for share in shares)


def _region(item: FleetItem) -> tuple[str, str, str]:
    row = item.row
    label = f"{row.region} ({row.region_slug})" if row.region and row.region != row.region_slug else row.region_slug
    return row.region_slug, label or "Unknown", ""


def _team(item: FleetItem) -> tuple[str, str, str]:
    return item.team.key, item.team.name, str(item.team.color)
