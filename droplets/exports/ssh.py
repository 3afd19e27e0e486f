"""A configuration for OpenSSH: a host for each droplet with an address. Its form: man 5 ssh_config."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from droplets.exports.names import address, hosts
from droplets.items import Item

_USE = """\
# A Conveyor fleet for OpenSSH. Keep it as ~/.ssh/conveyor_config and put this line first in ~/.ssh/config:
#
#   Include ~/.ssh/conveyor_config
#
# DigitalOcean's own images let root in first; say so, or who else, for all of them there:
#
#   Host *
#     User root
"""


def lines(items: Iterable[Item]) -> Iterator[str]:
    """How to use it, then a block for each droplet. Nothing that comes from outside begins a line of its own."""
    yield _USE
    for name, item in hosts(items):
        reached = address(item)
        if reached:
            row = item.row
            told = ", ".join(part for part in (row.name, item.team.name, row.region_slug, row.status) if part)
            yield f"\n# {''.join(c if c.isprintable() else ' ' for c in told)}\nHost {name}\n  HostName {reached}\n"
