"""Reserved addresses of a team, assigned to a droplet or not. A droplet's field `networks` does not list them.

IPv4 comes from 198.51.100.0/24 and 203.0.113.0/24 (RFC 5737, documentation), IPv6 from 2001:db8:ffff::/48 (RFC 3849).
"""

from __future__ import annotations

import ipaddress
import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.clock import epoch, iso
from sandbox.fleet.droplets import TODAY, Droplet
from sandbox.fleet.fields import region_slug

LIMIT = 5  # IPv4 addresses of each team, as in its account
EACH_NET = 250 // LIMIT  # how many teams' addresses fit in a network of 256
NETS = ("198.51.100.0", "203.0.113.0")


@dataclass
class Reserved:
    """One address. `droplet_id` is None for an unassigned one, and may be that of a destroyed droplet."""

    ip: str
    region: str
    droplet_id: int | None
    reserved_at: str
    project_id: str


def create(seed: int, number: int, droplets: Sequence[Droplet]) -> tuple[list[Reserved], list[Reserved]]:
    """IPv4 and IPv6 addresses of team number `number`: assigned to some running droplets, and one unassigned."""
    rng = random.Random(f"{seed}/reserved/{number}")
    running = [each for each in droplets if each.get("status") == "active"]
    chosen = rng.sample(running, min(LIMIT - 1, len(droplets) // 8, len(running)))
    if not chosen:
        return [], []
    project = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{seed}/project/{number}"))

    def reserved(ip: str, region: str, droplet: Droplet | None) -> Reserved:
        since = (epoch(droplet["created_at"]) if droplet else None) or TODAY.timestamp() - 90 * 86_400
        droplet_id = droplet["id"] if droplet else None
        return Reserved(ip, region, droplet_id, iso(since + rng.randrange(1_800)), project)

    v4 = [reserved(_ipv4(number, index), region_slug(each), each) for index, each in enumerate(chosen)]
    v4.append(reserved(_ipv4(number, LIMIT - 1), region_slug(chosen[0]), None))
    v6 = [reserved(f"2001:db8:ffff:{number & 0xFFFF:x}::1", region_slug(chosen[0]), chosen[0])]
    return v4, v6


def _ipv4(number: int, index: int) -> str:
    net = ipaddress.IPv4Address(NETS[number // EACH_NET % len(NETS)])
    return str(net + 1 + number % EACH_NET * LIMIT + index)
