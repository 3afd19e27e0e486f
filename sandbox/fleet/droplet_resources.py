"""Adds the resources that a droplet refers to, and removes them with it."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.fleet import backups, firewalls, reserved, snapshots, volumes
from sandbox.fleet.droplets import Droplet
from sandbox.fleet.team_resources import TeamResources


def add(resources: TeamResources, droplet: Droplet) -> None:
    """Create the images and volumes that the droplet's fields refer to, unless they exist. Accepts invalid fields."""
    if type(droplet.get("id")) is int:
        snapshots.add_from_droplet(resources, droplet)
        volumes.add_from_droplet(resources, droplet)


def add_team_resources(resources: TeamResources, droplets: Sequence[Droplet]) -> None:
    """Create what belongs to the team and not to one droplet: firewalls, reserved addresses, unattached volumes."""
    resources.firewalls = firewalls.create(resources, droplets)
    if resources.team is not None:
        resources.reserved, resources.reserved_v6 = reserved.create(resources.seed, resources.team.number, droplets)
    for address in resources.reserved[:1]:
        volumes.add_unattached(resources, address.region)


def remove(resources: TeamResources, droplet: Droplet) -> None:
    """Remove a destroyed droplet's backups and its references; snapshots, volumes and reserved addresses stay."""
    backups.disable(resources, droplet)
    volumes.detach(resources, droplet)
    for firewall in resources.firewalls:
        firewall["droplet_ids"] = [each for each in firewall["droplet_ids"] if each != droplet.get("id")]
    resources.power_changes.pop(droplet.get("id", 0), None)
