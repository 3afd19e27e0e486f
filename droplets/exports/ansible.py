"""An Ansible inventory in YAML, with a group for each team, region, status and tag."""

from collections.abc import Iterable, Iterator

import msgspec

from droplets.exports.comment_lines import left_out, state
from droplets.exports.names import Names, address
from droplets.fleet.items import FleetItem
from droplets.fleet.service import Fleet

_USE = """\
# An Ansible inventory of a Conveyor fleet: ansible-inventory --graph -i this-file
# Groups are by team, region, status and tag.
"""


def lines(fleet: Fleet, items: Iterable[FleetItem]) -> Iterator[str]:
    """The `items` that have an address, each with its variables, then the groups. `items` are some of the fleet's."""
    names = Names(fleet.items)
    yield _USE
    yield from state(fleet)
    yield "all:\n  hosts:\n"
    groups: dict[str, list[str]] = {}
    unreachable = []
    for item in items:
        host_address = address(item)
        if not host_address:
            unreachable.append(item)
            continue
        host = names.host(item)
        variables = (f"      {key}: {value}\n" for key, value in _variables(item, host_address).items())
        yield f'    "{host}":\n{"".join(variables)}'
        for group in names.groups(item):
            groups.setdefault(group, []).append(host)
    yield "  children:\n"
    for group, hosts in sorted(groups.items()):
        yield f"    {group}:\n      hosts:\n"
        yield from (f'        "{host}":\n' for host in hosts)
    yield from left_out(unreachable)


def _variables(item: FleetItem, host_address: str) -> dict[str, str]:
    droplet = item.droplet
    return {
        "ansible_host": _text(host_address),
        "digitalocean_id": str(droplet.id),
        "digitalocean_name": _text(droplet.name),
        "digitalocean_team": _text(item.team.name),
        "digitalocean_status": _text(droplet.status),
        "digitalocean_region": _text(droplet.region_slug),
        "digitalocean_size": _text(droplet.size_slug),
        "digitalocean_image": _text(droplet.image),
        "digitalocean_public_addresses": _list(droplet.public),
        "digitalocean_private_addresses": _list(droplet.private),
        "digitalocean_tags": _list(droplet.tags),
    }


def _text(text: str) -> str:
    """A JSON string, which is YAML too, once characters that cannot be printed are escaped in YAML's way.

    A text with `{` is marked as unsafe, or Ansible would evaluate `{{ … }}` in it:
    https://docs.ansible.com/ansible/latest/playbook_guide/playbooks_advanced_syntax.html (Unsafe or raw strings).
    """
    quoted = msgspec.json.encode(text).decode()
    if not quoted.isprintable():
        quoted = "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in quoted)
    return f"!unsafe {quoted}" if "{" in text else quoted


def _list(texts: Iterable[str]) -> str:
    return f"[{', '.join(_text(text) for text in texts)}]"
