"""Records when droplets were on. Metrics exist only for these times, and CPU counters restart at each boot."""

from __future__ import annotations

from sandbox.fleet.droplets import Droplet
from sandbox.fleet.team_resources import PowerChange, TeamResources


def set_power(resources: TeamResources, droplet: Droplet, now: float, *, on: bool) -> None:
    """Turn the droplet on or off. Turning on a running droplet reboots it."""
    past = resources.power_changes.setdefault(droplet["id"], [PowerChange(0.0, droplet.get("status") == "active")])
    past.append(PowerChange(now, on))
    droplet["status"] = "active" if on else "off"
