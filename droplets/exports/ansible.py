"""An Ansible inventory in YAML, with a group for each team, region, status and tag.

Every text is written as a JSON string, which YAML takes as it is, so nothing in it can end it. What comes from outside
is marked `!unsafe`: Ansible would otherwise evaluate `{{ … }}` in a droplet's name.
https://docs.ansible.com/ansible/latest/playbook_guide/playbooks_advanced_syntax.html (Unsafe or raw strings)
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from droplets.exports.names import address, group, hosts
from droplets.items import Item

_USE = """\
# An Ansible inventory of a Conveyor fleet: ansible-inventory -i {file} --graph
# Groups are by team, region, status and tag. Droplets without an address are left out.
"""


def lines(items: Iterable[Item], file: str) -> Iterator[str]:
    """The hosts with what is known of them, then the groups. `file` is what the file will be called."""
    named = [(name, item) for name, item in hosts(items) if address(item)]
    yield _USE.format(file=file)
    yield "all:\n  hosts:" + ("\n" if named else " {}\n")
    groups: dict[str, list[str]] = {}
    for name, item in named:
        yield f"    {json.dumps(name)}:\n"
        yield from (f"      {key}: {value}\n" for key, value in _variables(item).items())
        for each in _groups(item):
            groups.setdefault(each, []).append(name)
    yield "  children:" + ("\n" if groups else " {}\n")
    for each in sorted(groups):
        yield f"    {each}:\n      hosts:\n"
        yield from (f"        {json.dumps(name)}: {{}}\n" for name in groups[each])


def _variables(item: Item) -> dict[str, str]:
    row = item.row
    return {
        "ansible_host": json.dumps(address(item)),
        "digitalocean_id": str(row.id),
        "digitalocean_name": _unsafe(row.name),
        "digitalocean_team": _unsafe(item.team.name),
        "digitalocean_status": _unsafe(row.status),
        "digitalocean_region": _unsafe(row.region_slug),
        "digitalocean_size": _unsafe(row.size_slug),
        "digitalocean_image": _unsafe(row.image),
        "digitalocean_private_address": _unsafe(next(iter(row.private), "")),
        "digitalocean_tags": f"[{', '.join(_unsafe(tag) for tag in row.tags)}]",
    }


def _unsafe(text: str) -> str:
    return f"!unsafe {json.dumps(text, ensure_ascii=False)}"


def _groups(item: Item) -> Iterable[str]:
    row = item.row
    found = [group("team", item.team.name)]
    if row.region_slug:
        found.append(group("region", row.region_slug))
    if row.status:
        found.append(group("status", row.status))
    return dict.fromkeys([*found, *(group("tag", tag) for tag in row.tags)])
