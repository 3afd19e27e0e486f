"""The endpoints that tell what stands around a droplet. Each raises a `DigitalOceanError`; safe in any thread."""

from __future__ import annotations

from digitalocean_client import droplets as droplets_api
from digitalocean_client.lists import Items, all_items, single_object
from digitalocean_client.resources_schema import Copy, Firewall, Policy, ReservedIp, Volume, Vpc


def snapshots(token: str, droplet: int, *, deadline: float) -> Items[Copy]:
    return all_items(token, f"/droplets/{droplet}/snapshots", "snapshots", Copy, deadline=deadline)


def backups(token: str, droplet: int, *, deadline: float) -> Items[Copy]:
    return all_items(token, f"/droplets/{droplet}/backups", "backups", Copy, deadline=deadline)


def policy(token: str, droplet: int, *, deadline: float) -> Policy:
    return single_object(
        droplets_api.get(token, f"/droplets/{droplet}/backups/policy", deadline=deadline), "policy", Policy
    )


def firewalls(token: str, droplet: int, *, deadline: float) -> Items[Firewall]:
    return all_items(token, f"/droplets/{droplet}/firewalls", "firewalls", Firewall, deadline=deadline)


def volumes(token: str, *, deadline: float) -> Items[Volume]:
    """All volumes of the team: there is no endpoint for one droplet's."""
    return all_items(token, "/volumes", "volumes", Volume, deadline=deadline)


def vpcs(token: str, *, deadline: float) -> Items[Vpc]:
    return all_items(token, "/vpcs", "vpcs", Vpc, deadline=deadline)


def reserved_ips(token: str, *, deadline: float) -> Items[ReservedIp]:
    """All reserved IPs of the team."""
    return all_items(token, "/reserved_ips", "reserved_ips", ReservedIp, deadline=deadline)
