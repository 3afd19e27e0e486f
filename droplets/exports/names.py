"""Names and addresses that other programs can take: of few characters, distinct, the same for the same fleet."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from ipaddress import ip_address

from droplets.items import Item

_UNFIT_FOR_HOSTS = re.compile(r"[^A-Za-z0-9._-]+")
_UNFIT_FOR_GROUPS = re.compile(r"[^a-z0-9_]+")
_LONGEST = 200


def hosts(items: Iterable[Item]) -> Iterator[tuple[str, Item]]:
    """Each droplet with a name for its host: its own, where that is one and no other has it, else with its id.

    Which of several droplets of one name keeps it must not depend on their order, so none of them does.
    """
    listed = [(_host(item.row.name), item) for item in items]
    counts = Counter(name.casefold() for name, _ in listed)
    for name, item in listed:
        if name and counts[name.casefold()] == 1:
            yield name, item
            continue
        distinct = f"{name or 'droplet'}-{item.row.id}"
        while counts[distinct.casefold()]:
            distinct += "-id"
        yield distinct, item


def address(item: Item) -> str:
    """Where it is reached, its public addresses before its private ones; empty where it has none.

    What is no address is left out: it could be read as an option, or as a name that leads elsewhere.
    """
    for text in (*item.row.public, *item.row.private):
        try:
            return str(ip_address(text))
        except ValueError:
            continue
    return ""


def group(kind: str, name: str) -> str:
    """“region_fra1”, “tag_env_prod”: a name for a group, fit for a variable."""
    return f"{kind}_{_UNFIT_FOR_GROUPS.sub('_', name.lower()).strip('_')[:_LONGEST] or 'other'}"


def _host(name: str) -> str:
    # No leading dash: it would be taken for an option wherever the name is typed.
    return _UNFIT_FOR_HOSTS.sub("-", name).strip("-.")[:_LONGEST]
