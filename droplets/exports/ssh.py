"""A configuration for OpenSSH: a host for each droplet with an address. Its form: man 5 ssh_config."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from droplets.exports.comments import comment, left_out, state
from droplets.exports.names import Names, address
from droplets.fleet.items import FleetItem
from droplets.fleet.service import Fleet

_USE = """\
# A Conveyor fleet for OpenSSH. Keep it as ~/.ssh/conveyor_config and put this line first in ~/.ssh/config:
#
#   Include ~/.ssh/conveyor_config
#
# A droplet wins over a host of the same name further down: look for one that is called, say, github.com.
#
# Who logs in is for you to say; DigitalOcean's own images let root in first. To say so for all of them:
#
#   sed -i.bak 's/^  #User/  User/' ~/.ssh/conveyor_config
#
"""


def lines(fleet: Fleet, items: Iterable[FleetItem]) -> Iterator[str]:
    """How to use it, then a block for each of the fleet's `items`. Nothing from outside begins a line of its own."""
    names = Names(fleet.items)
    yield _USE
    yield from state(fleet)
    unreachable = []
    for item in items:
        reached = address(item)
        if not reached:
            unreachable.append(item)
            continue
        row = item.row
        told = ", ".join(part for part in (row.name, item.team.name, row.region_slug, row.status) if part)
        yield f"\n{comment(told)}Host {names.host(item)}\n  HostName {reached}\n  #User root\n"
    yield from left_out(unreachable)
