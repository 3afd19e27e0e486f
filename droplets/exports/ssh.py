"""An OpenSSH configuration with a host for each droplet that has an address (man 5 ssh_config)."""

from collections.abc import Iterable, Iterator

from droplets.exports.comment_lines import comment, left_out, state
from droplets.exports.names import Names, address
from droplets.fleet.items import FleetItem
from droplets.fleet.service import Fleet

_USE = """\
# A Conveyor fleet for OpenSSH. Save it as ~/.ssh/conveyor_config and put this line first in ~/.ssh/config:
#
#   Include ~/.ssh/conveyor_config
#
# Every host name ends in its team, as in: ssh web-1.acme-web
#
# The user is not set. New droplets of DigitalOcean's own images have only root. To set that user for all hosts:
#
#   sed -i.bak 's/^  #User/  User/' ~/.ssh/conveyor_config
#
"""


def lines(fleet: Fleet, items: Iterable[FleetItem]) -> Iterator[str]:
    """How to use it, then a host for each of the `items`. No name or tag of a droplet can begin a line."""
    names = Names(fleet.items)
    yield _USE
    yield from state(fleet)
    unreachable = []
    for item in items:
        host_address = address(item)
        if not host_address:
            unreachable.append(item)
            continue
        droplet = item.droplet
        about = ", ".join(filter(None, (droplet.name, item.team.name, droplet.region_slug, droplet.status)))
        yield f"\n{comment(about)}Host {names.alias(item)}\n  HostName {host_address}\n  #User root\n"
    yield from left_out(unreachable)
