"""Which droplets share a machine."""

from __future__ import annotations

import zlib

from sandbox.fleet.droplets import Droplet
from sandbox.fleet.fields import region_slug
from sandbox.fleet.listing import Fleet

HOSTS_PER_DROPLET = 4  # machines in each region that a team's droplets are spread over


def of(fleet: Fleet, droplet: Droplet) -> list[Droplet]:
    """The other droplets of the team on the droplet's machine: mostly none, now and then one or two."""
    hosts = max(1, fleet.made * HOSTS_PER_DROPLET)
    return [each for each in fleet.all() if each is not droplet and _host(each, hosts) == _host(droplet, hosts)]


def _host(droplet: Droplet, hosts: int) -> tuple[str, int]:
    return region_slug(droplet), zlib.crc32(f"host/{droplet.get('id')}".encode()) % hosts
