"""DigitalOcean's regions by slug, with the names of its API reference and control panel."""

from __future__ import annotations

from typing import Any

NAMES = {
    "nyc1": "New York 1",
    "nyc2": "New York 2",
    "nyc3": "New York 3",
    "sfo2": "San Francisco 2",
    "sfo3": "San Francisco 3",
    "ams3": "Amsterdam 3",
    "sgp1": "Singapore 1",
    "lon1": "London 1",
    "fra1": "Frankfurt 1",
    "tor1": "Toronto 1",
    "blr1": "Bangalore 1",
    "syd1": "Sydney 1",
}
SLUGS = tuple(NAMES)
GPU_SLUGS = ("nyc2", "tor1", "ams3")
CLOSED = frozenset({"sfo2"})  # takes no new droplets
FEATURES = (
    "backups", "ipv6", "metadata", "install_agent", "storage", "image_transfer", "server_id", "management_networking",
)  # fmt: skip


def describe(slug: str, sizes: list[str]) -> dict[str, Any]:
    """A region object as in a droplet; `sizes` are the slugs of the sizes that are available there."""
    return {
        "name": NAMES[slug],
        "slug": slug,
        "features": list(FEATURES),
        "available": slug not in CLOSED,
        "sizes": sizes,
    }
