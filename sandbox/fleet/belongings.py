"""What comes into a team's tables with a made-up droplet, and what happens to it when a droplet goes."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.fleet import backups, firewalls, reserved, snapshots, volumes
from sandbox.fleet.droplets import Droplet
from sandbox.fleet.holdings import Holdings


def take_in(holdings: Holdings, droplet: Droplet) -> None:
    """Make what the droplet speaks of, unless it is there already. Droplets that a test made odd are taken too."""
    if type(droplet.get("id")) is int:
        snapshots.take_in(holdings, droplet)
        volumes.take_in(holdings, droplet)


def furnish(holdings: Holdings, droplets: Sequence[Droplet]) -> None:
    """Make what belongs to a team rather than to one of its droplets: firewalls, reserved addresses, spare volumes."""
    holdings.firewalls = firewalls.make(holdings, droplets)
    if holdings.team is not None:
        holdings.reserved, holdings.reserved_v6 = reserved.make(holdings.seed, holdings.team.number, droplets)
    for address in holdings.reserved[:1]:
        volumes.spare(holdings, address.region)


def release(holdings: Holdings, droplet: Droplet) -> None:
    """The droplet is destroyed: its backups go with it, snapshots, volumes and reserved addresses stay."""
    backups.end(holdings, droplet)
    volumes.detach(holdings, droplet)
    for firewall in holdings.firewalls:
        firewall["droplet_ids"] = [each for each in firewall["droplet_ids"] if each != droplet.get("id")]
    holdings.switches.pop(droplet.get("id", 0), None)
