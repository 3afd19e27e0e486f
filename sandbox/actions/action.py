"""One action, as the API tells of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox.clock import iso


@dataclass
class Action:
    """Something that was, or is being, done to a droplet. Moments are seconds since the epoch.

    status: in-progress, completed or errored. region: as the droplet had it.
    """

    id: int
    type: str
    status: str
    started_at: float
    completed_at: float | None
    droplet_id: int
    region: dict[str, Any]

    def shown(self, *, sizes: bool) -> dict[str, Any]:
        """As JSON; the region's sizes need a scope of their own."""
        return {
            "id": self.id,
            "status": self.status,
            "type": self.type,
            "started_at": iso(self.started_at),
            "completed_at": None if self.completed_at is None else iso(self.completed_at),
            "resource_id": self.droplet_id,
            "resource_type": "droplet",
            "region": self.region if sizes else {**self.region, "sizes": []},
            "region_slug": self.region.get("slug"),
        }
