"""The endpoints that tell what stands around a droplet. Each raises a `DigitalOceanError`; safe in any thread."""

from __future__ import annotations

from droplets import api
from droplets.decoding import Items, everything, single
from droplets.overview.schema import Copy, Firewall, Policy, ReservedIp, Volume, Vpc


def snapshots(token: str, droplet: int, *, until: float) -> Items[Copy]:
    return everything(token, f"/droplets/{droplet}/snapshots", "snapshots", Copy, until=until)


def backups(token: str, droplet: int, *, until: float) -> Items[Copy]:
    return everything(token, f"/droplets/{droplet}/backups", "backups", Copy, until=until)


def policy(token: str, droplet: int, *, until: float) -> Policy:
    return single(api.get(token, f"/droplets/{droplet}/backups/policy", until=until), "policy", Policy)


def firewalls(token: str, droplet: int, *, until: float) -> Items[Firewall]:
    return everything(token, f"/droplets/{droplet}/firewalls", "firewalls", Firewall, until=until)


def volumes(token: str, droplet: int, *, until: float) -> Items[Volume]:
    """Those attached to the droplet, of all that the team has: there is no list of a droplet's own."""
    return everything(
        token, "/volumes", "volumes", Volume, until=until, where=lambda volume: droplet in (volume.droplet_ids or ())
    )


def vpcs(token: str, *, until: float) -> Items[Vpc]:
    return everything(token, "/vpcs", "vpcs", Vpc, until=until)


def reserved_ips(token: str, droplet: int, *, until: float) -> Items[ReservedIp]:
    """Those assigned to the droplet, of all that the team has."""
    return everything(
        token,
        "/reserved_ips",
        "reserved_ips",
        ReservedIp,
        until=until,
        where=lambda reserved: reserved.droplet is not None and reserved.droplet.id == droplet,
    )
