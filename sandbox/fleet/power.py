"""When droplets were on: for metrics, which a droplet has only while it runs and which count from its last boot."""

from __future__ import annotations

from sandbox.fleet.droplets import Droplet
from sandbox.fleet.holdings import Holdings, Switch


def turn(holdings: Holdings, droplet: Droplet, now: float, *, on: bool) -> None:
    """Turn the droplet on or off; turning on what is on boots it again."""
    past = holdings.switches.setdefault(droplet["id"], [Switch(0.0, droplet.get("status") == "active")])
    past.append(Switch(now, on))
    droplet["status"] = "active" if on else "off"
