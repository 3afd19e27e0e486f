"""Names and addresses that other programs can take: of few characters, distinct, the same for the same fleet."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from ipaddress import ip_address
from itertools import chain, count

from droplets.fleet.items import FleetItem

_UNFIT_FOR_HOSTS = re.compile(r"[^A-Za-z0-9.-]+")
_LONGEST = 200

_TAKEN = re.compile(r"all|ungrouped|localhost|[0-9.]*", re.IGNORECASE)
"""What no host can be called: it is a group to Ansible, or an address. Other groups have a “_”, and no host has."""

_Key = tuple[str, str]


class Names:
    """What the hosts and groups of a fleet are called. `items` is all of it, so that a search changes no name.

    Which of several that would have one name keeps it must not depend on their order, so none of them does: a host's
    ends in the droplet's id then, a group's in a digest of what it is for.
    """

    def __init__(self, items: Sequence[FleetItem]) -> None:
        self._items = items

    def host(self, item: FleetItem) -> str:
        """The droplet's name, as far as it is a host's: letters, digits, dots and dashes."""
        return self._hosts[_host_key(item)]

    def groups(self, item: FleetItem) -> list[str]:
        """“team_acme_web”, “region_fra1”, “status_active”, “tag_env_prod”: each an identifier, each once."""
        return list(dict.fromkeys(self._groups[kind, key] for kind, key, _ in _memberships(item)))

    @cached_property
    def _hosts(self) -> dict[_Key, str]:
        wanted = {_host_key(item): _host(item.row.name) for item in self._items}
        return _distinct(wanted, "-", lambda key: key[1])

    @cached_property
    def _groups(self) -> dict[_Key, str]:
        wanted: dict[_Key, str] = {}
        for item in self._items:
            for kind, key, name in _memberships(item):
                if (kind, key) not in wanted:
                    wanted[kind, key] = _group(kind, name)
        return _distinct(wanted, "_", lambda key: sha256(key[1].encode()).hexdigest()[:6])


def address(item: FleetItem) -> str:
    """Where it is reached, its public addresses before its private ones; empty where it has none.

    What is no address is left out: it could be read as an option, or as a name that leads elsewhere.
    """
    return next((text for text in (*item.row.public, *item.row.private) if _is_address(text)), "")


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    # A zone, as in “fe80::1%eth0”, may be any text at all.
    return "%" not in text


def _host_key(item: FleetItem) -> _Key:
    return item.team.key, str(item.row.id)


def _host(name: str) -> str:
    # No leading dash: it would be taken for an option wherever the name is typed.
    fit = _UNFIT_FOR_HOSTS.sub("-", name)[:_LONGEST].strip("-.")
    return "" if _TAKEN.fullmatch(fit) else fit


def _group(kind: str, name: str) -> str:
    # Letters and digits to Ansible, which wants what `\w` finds, as well as to Python.
    fit = "".join(c if c.isalnum() and f"_{c}".isidentifier() else " " for c in name.lower()[:_LONGEST])
    return "_".join((kind, *(fit.split() or ["other"])))


def _memberships(item: FleetItem) -> Iterator[tuple[str, str, str]]:
    """Kind, key and name of its groups. Tags that differ in capitals alone are one, as they are to DigitalOcean."""
    row = item.row
    yield "team", item.team.key, item.team.name
    for kind, names in (("region", (row.region_slug,)), ("status", (row.status,)), ("tag", row.tags)):
        yield from ((kind, name.lower(), name) for name in names if name)


def _distinct(wanted: Mapping[_Key, str], joint: str, mark: Callable[[_Key], str]) -> dict[_Key, str]:
    """Names that differ in more than capitals: what only one wants is its own, others have their mark behind it."""
    counts = Counter(name.lower() for name in wanted.values())
    taken = set(counts)
    given: dict[_Key, str] = {}
    for key, name in wanted.items():
        if not name or counts[name.lower()] > 1:
            marked = f"{name or 'droplet'}{joint}{mark(key)}"
            # A mark that is no help: an id of two teams, or a name that ends like this one by itself.
            more = (f"{marked}{joint}{number}" for number in count(2))
            name = next(each for each in chain((marked,), more) if each.lower() not in taken)
            taken.add(name.lower())
        given[key] = name
    return given
