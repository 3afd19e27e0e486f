"""One action, as the API shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox.clock import iso


@dataclass
class Action:
    """An action on a droplet. Times are seconds since the epoch.

    status: in-progress, completed or errored. region: the droplet's region object when the action started.
    """

    id: int
    type: str
    status: str
    started_at: float
    completed_at: float | None
    droplet_id: int
    region: dict[str, Any]

    def as_json(self, *, sizes: bool) -> dict[str, Any]:
        """The action as JSON. Without `sizes` the region's list of sizes is empty (scope sizes:read)."""
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
