"""A droplet's status as a page shows it: a label, and a badge with a shape as well as a colour."""

from dataclasses import dataclass
from functools import lru_cache

_DOCUMENTED = {
    "active": ("Active", "ok"),
    "off": ("Off", "off"),
    "new": ("New", "info"),
    "archive": ("Archived", "warn"),
}


@dataclass(frozen=True)
class DropletStatus:
    """`slug` is DigitalOcean's; `badge` is the CSS class of its badge: ok, off, info or warn."""

    slug: str
    label: str
    badge: str


@lru_cache(maxsize=64)
def status_of(slug: str) -> DropletStatus:
    """A status that DigitalOcean does not document gets its own name as label."""
    label, badge = _DOCUMENTED.get(slug, (slug.replace("_", " ").capitalize() or "Unknown", "off"))
    return DropletStatus(slug, label, badge)


def order(status: DropletStatus) -> tuple[int, str]:
    """A sort key: documented statuses first, in the order above."""
    known = [*_DOCUMENTED, status.slug]
    return known.index(status.slug), status.label
