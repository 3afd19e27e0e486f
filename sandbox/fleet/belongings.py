"""What comes into a team's tables with a made-up droplet, and what happens to it when a droplet goes."""

from __future__ import annotations

from sandbox.fleet import backups, snapshots
from sandbox.fleet.droplets import Droplet
from sandbox.fleet.holdings import Holdings


def take_in(holdings: Holdings, droplet: Droplet) -> None:
    """Make what the droplet speaks of, unless it is there already. Droplets that a test made odd are taken too."""
    if type(droplet.get("id")) is int:
        snapshots.take_in(holdings, droplet)


def release(holdings: Holdings, droplet: Droplet) -> None:
    """The droplet is destroyed: its backups go with it, its snapshots stay."""
    backups.end(holdings, droplet)
    holdings.switches.pop(droplet.get("id", 0), None)
