"""Totals of a list of droplets."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Self

from droplets.fleet.items import FleetItem
from droplets.fleet.statuses import order, status_of
from droplets.fleet.summary import natural

NARROWEST = 1.5
"""Percent of the bar that every status gets at least: less could not be seen."""

MOST_BARS = 5
"""Regions and teams that have a bar each; all others share one more."""


@dataclass(frozen=True)
class Share:
    """How many droplets have something in common, and what they cost, in US dollars a month.

    `look` is the end of a CSS class: a status's badge, or a team's square. `start` and `width` are percentages of a
    bar's length; the statuses are parts of one bar, each region and team has a bar of its own.
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
    """`memory` in MB, `disk` in GB, `monthly` in US dollars. What DigitalOcean did not send counts as 0.

    `off` and `off_monthly` count droplets that are off. They are still billed, because DigitalOcean reserves disk, CPU
    and addresses until a droplet is destroyed (https://docs.digitalocean.com/products/droplets/details/pricing/).
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
    def from_items(cls, items: Iterable[FleetItem]) -> Self:
        items = list(items)
        droplets = [item.droplet for item in items]
        off = [droplet for droplet in droplets if droplet.status == "off"]
        return cls(
            droplets=len(droplets),
            vcpus=sum(droplet.vcpus or 0 for droplet in droplets),
            memory=sum(droplet.memory or 0 for droplet in droplets),
            disk=sum(droplet.disk or 0 for droplet in droplets),
            monthly=sum(droplet.monthly or 0 for droplet in droplets),
            by_status=_in_one_bar(_sums(items, lambda item: item.droplet.status), len(droplets)),
            by_region=_bars(_sums(items, lambda item: item.droplet.region_slug).values(), _region),
            by_team=_bars(_sums(items, lambda item: item.team.key).values(), _team),
            off=len(off),
            off_monthly=sum(droplet.monthly or 0 for droplet in off),
        )


def _sums(items: Sequence[FleetItem], key_of: Callable[[FleetItem], str]) -> dict[str, _Sum]:
    sums: dict[str, _Sum] = {}
    for item in items:
        key = key_of(item)
        total = sums.get(key)
        if total is None:
            total = sums[key] = _Sum(first=item)
        total.count += 1
        total.monthly += item.droplet.monthly or 0
    return sums


def _in_one_bar(sums: dict[str, _Sum], total_count: int) -> tuple[Share, ...]:
    widths = {slug: max(100 * total.count / total_count, NARROWEST) for slug, total in sums.items()}
    scale = 100 / (sum(widths.values()) or 1)
    shares = []
    start = 0.0
    for slug in sorted(sums, key=lambda slug: order(status_of(slug))):
        width = widths[slug] * scale
        status, total = status_of(slug), sums[slug]
        shares.append(
            Share(slug, status.label, status.badge, total.count, total.monthly, f"{start:.3f}%", f"{width:.3f}%")
        )
        start += width
    return tuple(shares)


def _bars(sums: Iterable[_Sum], label_of: Callable[[FleetItem], tuple[str, str, str]]) -> tuple[Share, ...]:
    """The largest first, each bar's length in proportion to the largest; the smallest share one bar."""
    shares = [Share(*label_of(total.first), total.count, total.monthly) for total in sums]
    shares.sort(key=lambda share: (-share.count, natural(share.label), share.key))
    others = shares[MOST_BARS:]
    if len(others) > 1:
        count, monthly = sum(share.count for share in others), sum(share.monthly for share in others)
        shares[MOST_BARS:] = [Share("", f"{len(others)} others", "", count, monthly)]
    longest = max((share.count for share in shares), default=1)
    return tuple(replace(share, width=f"{max(100 * share.count / longest, NARROWEST):.3f}%") for share in shares)


def _region(item: FleetItem) -> tuple[str, str, str]:
    name, slug = item.droplet.region, item.droplet.region_slug
    label = f"{name} ({slug})" if name and name != slug else slug
    return slug, label or "Unknown", ""


def _team(item: FleetItem) -> tuple[str, str, str]:
    return item.team.key, item.team.name, str(item.team.color)
