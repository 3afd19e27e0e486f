"""A team's firewalls: some by tag, one by droplet ids."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterable
from typing import Any

from sandbox.fleet.droplets import TODAY, Droplet
from sandbox.fleet.fields import list_field
from sandbox.fleet.team_resources import TeamResources

Firewall = dict[str, Any]

ANYWHERE = ("0.0.0.0/0", "::/0")
INSIDE = ("10.0.0.0/8",)
# name, tags, and inbound rules: protocol, ports, addresses
BY_TAG: tuple[tuple[str, tuple[str, ...], tuple[tuple[str, str, tuple[str, ...]], ...]], ...] = (
    ("web", ("web", "edge"), (("tcp", "80", ANYWHERE), ("tcp", "443", ANYWHERE), ("icmp", "0", ANYWHERE))),
    ("databases", ("db", "search"), (("tcp", "5432", INSIDE), ("tcp", "9200-9300", INSIDE))),
    ("game", ("game",), (("tcp", "25565", ANYWHERE), ("udp", "25565", ANYWHERE))),
    ("ssh.production", ("env:prod",), (("tcp", "22", ("192.0.2.0/24", *INSIDE)),)),
)
BY_NAME = "locked-down"  # for a few droplets without tags


def create(resources: TeamResources, droplets: Iterable[Droplet]) -> list[Firewall]:
    """The firewalls of a team with these droplets."""
    all_droplets = list(droplets)
    in_use = {tag for droplet in all_droplets for tag in list_field(droplet, "tags")}
    found = []
    for name, tags, inbound in BY_TAG:
        if used_tags := [tag for tag in tags if tag in in_use]:
            found.append(_firewall(resources, name, used_tags, [], inbound))
    rng = random.Random(f"{resources.seed}/{resources.key}/firewall")
    untagged = [each["id"] for each in all_droplets if not list_field(each, "tags")]
    if chosen := sorted(rng.sample(untagged, min(5, len(untagged)))):
        found.append(_firewall(resources, BY_NAME, [], chosen, (("tcp", "22", INSIDE),)))
    return found


def applying_to(firewalls: Iterable[Firewall], droplet: Droplet) -> list[Firewall]:
    """The firewalls that list the droplet's id or one of its tags."""
    tags = {str(tag).lower() for tag in list_field(droplet, "tags")}
    return [
        each
        for each in firewalls
        if droplet.get("id") in each["droplet_ids"] or tags & {tag.lower() for tag in each["tags"]}
    ]


def _firewall(
    resources: TeamResources, name: str, tags: list[str], droplet_ids: list[int],
    inbound: Iterable[tuple[str, str, tuple[str, ...]]],
) -> Firewall:  # fmt: skip
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{resources.seed}/{resources.key}/firewall/{name}")),
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
