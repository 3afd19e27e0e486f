"""A team's firewalls: by tag, and on droplets by name."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterable
from typing import Any

from sandbox.fleet.droplets import TODAY, Droplet
from sandbox.fleet.fields import values
from sandbox.fleet.holdings import Holdings

Firewall = dict[str, Any]

ANYWHERE = ("0.0.0.0/0", "::/0")
INSIDE = ("10.0.0.0/8",)
# name, tags that it goes by, and what it lets in: protocol, ports, addresses or tags
BY_TAG: tuple[tuple[str, tuple[str, ...], tuple[tuple[str, str, tuple[str, ...]], ...]], ...] = (
    ("web", ("web", "edge"), (("tcp", "80", ANYWHERE), ("tcp", "443", ANYWHERE), ("icmp", "0", ANYWHERE))),
    ("databases", ("db", "search"), (("tcp", "5432", INSIDE), ("tcp", "9200-9300", INSIDE))),
    ("game", ("game",), (("tcp", "25565", ANYWHERE), ("udp", "25565", ANYWHERE))),
    ("ssh.production", ("env:prod",), (("tcp", "22", ("192.0.2.0/24", *INSIDE)),)),
)
BY_NAME = "locked-down"  # on a handful of droplets without any of those tags


def make(holdings: Holdings, droplets: Iterable[Droplet]) -> list[Firewall]:
    """The firewalls of a team that has these droplets."""
    everybody = list(droplets)
    in_use = {tag for droplet in everybody for tag in values(droplet, "tags")}
    found = []
    for name, tags, inbound in BY_TAG:
        if theirs := [tag for tag in tags if tag in in_use]:
            found.append(_firewall(holdings, name, theirs, [], inbound))
    chance = random.Random(f"{holdings.seed}/{holdings.key}/firewall")
    untagged = [each["id"] for each in everybody if not values(each, "tags")]
    if chosen := sorted(chance.sample(untagged, min(5, len(untagged)))):
        found.append(_firewall(holdings, BY_NAME, [], chosen, (("tcp", "22", INSIDE),)))
    return found


def of(firewalls: Iterable[Firewall], droplet: Droplet) -> list[Firewall]:
    """The firewalls that a droplet is behind, by its tags or by its id."""
    tags = {str(tag).lower() for tag in values(droplet, "tags")}
    return [
        each
        for each in firewalls
        if droplet.get("id") in each["droplet_ids"] or tags & {tag.lower() for tag in each["tags"]}
    ]


def _firewall(
    holdings: Holdings, name: str, tags: list[str], droplet_ids: list[int],
    inbound: Iterable[tuple[str, str, tuple[str, ...]]],
) -> Firewall:  # fmt: skip
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{holdings.seed}/{holdings.key}/firewall/{name}")),
        "name": name,
        "status": "succeeded",
        "inbound_rules": [
            {"protocol": protocol, "ports": ports, "sources": {"addresses": list(addresses)}}
            for protocol, ports, addresses in inbound
        ],
        "outbound_rules": [
            {"protocol": protocol, "ports": "0", "destinations": {"addresses": list(ANYWHERE)}}
            for protocol in ("icmp", "tcp", "udp")
        ],
        "created_at": TODAY.replace(year=TODAY.year - 2).isoformat()[:19] + "Z",
        "droplet_ids": droplet_ids,
        "tags": tags,
        "pending_changes": [],
    }
