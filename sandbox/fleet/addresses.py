"""IP addresses of droplets, from ranges that nobody uses. A public address is unique within its team.

Public IPv4 comes from 198.18.0.0/15 (RFC 2544, benchmarking), IPv6 from 2001:db8::/32 (RFC 3849, documentation),
private ones from 10.0.0.0/8.
"""

from __future__ import annotations

import ipaddress
from typing import Any

PUBLIC = int(ipaddress.IPv4Address("198.18.0.0"))
PUBLIC_MASK = 2**17 - 1
PRIVATE = int(ipaddress.IPv4Address("10.100.0.0"))
BLOCK = 4096  # a /20, as DigitalOcean hands out


def networks(team: int, region: int, index: int, *, ipv6: bool) -> dict[str, list[dict[str, Any]]]:
    """The field `networks` of droplet number `index` of a team in a region. Team and region are numbers."""
    # A stride without a common factor with the pool's size scatters the addresses.
    offset = (team * 20_011 + index * 7_919 + 37) & PUBLIC_MASK
    public = PUBLIC + offset
    private = _private_base(team, region) + 2 + index % (BLOCK - 3)
    v4 = [
        {
            "ip_address": str(ipaddress.IPv4Address(private)),
            "netmask": "255.255.240.0",
            "gateway": "nil",  # the API reference's word for "none"
            "type": "private",
        },
        {
            "ip_address": str(ipaddress.IPv4Address(public)),
            "netmask": "255.255.240.0",
            "gateway": str(ipaddress.IPv4Address((public & ~(BLOCK - 1)) + 1)),
            "type": "public",
        },
    ]
    return {"v4": v4, "v6": [ipv6_address(team, region, index + 2, last=1)] if ipv6 else []}


def private_network(team: int, region: int) -> str:
    """The range of a team's private addresses in a region, in CIDR notation."""
    return f"{ipaddress.IPv4Address(_private_base(team, region))}/20"


def _private_base(team: int, region: int) -> int:
    return PRIVATE + (team % 64) * 16 * BLOCK + region * BLOCK


def ipv6_address(team: int, region: int, host: int, *, last: int) -> dict[str, Any]:
    """A public IPv6 address. `host` and `last` make it unique within the team and region."""
    net = f"2001:db8:{region + 1:x}:{team & 0xFFFF:x}"
    return {
        "ip_address": str(ipaddress.IPv6Address(f"{net}::{host >> 16:x}:{host & 0xFFFF:x}:{last:x}")),
        "netmask": 64,
        "gateway": str(ipaddress.IPv6Address(f"{net}::1")),
        "type": "public",
    }
