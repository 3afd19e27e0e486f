"""Names and addresses for other programs: simple characters, no name twice, and the same whenever the fleet is."""

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
_LONGEST_TEAM = 50

_TAKEN = re.compile(r"all|ungrouped|localhost|[0-9.]*", re.IGNORECASE)
"""Names that no host may have: Ansible's own groups, and addresses. All other groups have a “_”, which no host has."""

_Key = tuple[str, str]


class Names:
    """The names of the hosts and groups of a fleet. `items` are all of its droplets, so that a search changes no name.

    Where several would have the same name none of them gets it, so that names do not depend on an order: a host's name
    then ends in the droplet's id, a group's in a digest.
    """

    def __init__(self, items: Sequence[FleetItem]) -> None:
        self._items = items

    def host(self, item: FleetItem) -> str:
        """The droplet's name in characters that a host name may have: letters, digits, dots and dashes."""
        return self._hosts[_host_key(item)]

    def alias(self, item: FleetItem) -> str:
        """“web-1.acme-web”: a host name that ends in the team, so that no droplet is taken for a host on the internet.

        A droplet called “github.com” would else be what `ssh github.com` connects to.
        """
        return self._aliases[_host_key(item)]

    def groups(self, item: FleetItem) -> list[str]:
        """“team_acme_web”, “region_fra1”, “status_active”, “tag_env_prod”: identifiers, none of them twice."""
        return list(dict.fromkeys(self._groups[kind, key] for kind, key, _ in _memberships(item)))

    @cached_property
    def _hosts(self) -> dict[_Key, str]:
        wanted = {_host_key(item): _host(item.droplet.name) for item in self._items}
        return _distinct(wanted, "-", lambda key: key[1])

    @cached_property
    def _aliases(self) -> dict[_Key, str]:
        by_team: dict[str, dict[_Key, str]] = {}
        for item in self._items:
            by_team.setdefault(_team(item.team.name), {})[_host_key(item)] = _host(item.droplet.name)
        return {
            key: f"{host}.{team}"
            for team, wanted in by_team.items()
            for key, host in _distinct(wanted, "-", lambda key: key[1]).items()
        }

    @cached_property
    def _groups(self) -> dict[_Key, str]:
        wanted: dict[_Key, str] = {}
        for item in self._items:
            for kind, key, name in _memberships(item):
                if (kind, key) not in wanted:
                    wanted[kind, key] = _group(kind, name)
        return _distinct(wanted, "_", lambda key: sha256(key[1].encode()).hexdigest()[:6])


def address(item: FleetItem) -> str:
    """Its first public address, else its first private one; empty where it has none.

    A text that is no IP address is ignored: a program could take it for an option, or for the name of another host.
    DigitalOcean's list does not say which address is a reserved IP, so one that it lists first is used.
    """
    return next((text for text in (*item.droplet.public, *item.droplet.private) if _is_address(text)), "")


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    # A zone, as in “fe80::1%eth0”, may be any text at all.
    return "%" not in text


def _host_key(item: FleetItem) -> _Key:
    return item.team.key, str(item.droplet.id)


def _host(name: str) -> str:
    # No dash at the start: programs would take the name for an option.
    fit = _UNFIT_FOR_HOSTS.sub("-", name)[:_LONGEST].strip("-.")
    return "" if _TAKEN.fullmatch(fit) else fit


def _team(name: str) -> str:
    """“acme-web”. Without dots, so that “a.b” of team “c” and “a” of team “b.c” differ."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:_LONGEST_TEAM].strip("-") or "team"


def _group(kind: str, name: str) -> str:
    # What is a letter or a digit both to Python and to Ansible, which allows what `\w` matches.
    fit = "".join(c if c.isalnum() and f"_{c}".isidentifier() else " " for c in name.lower()[:_LONGEST])
    return "_".join((kind, *(fit.split() or ["other"])))


def _memberships(item: FleetItem) -> Iterator[tuple[str, str, str]]:
    """Kind, key and name of its groups. Tags that differ only in case are one, as they are to DigitalOcean."""
    droplet = item.droplet
    yield "team", item.team.key, item.team.name
    for kind, names in (("region", (droplet.region_slug,)), ("status", (droplet.status,)), ("tag", droplet.tags)):
        yield from ((kind, name.lower(), name) for name in names if name)


def _distinct(wanted: Mapping[_Key, str], joint: str, mark: Callable[[_Key], str]) -> dict[_Key, str]:
    """A name for each key, no two equal when case is ignored. A name that several want gets the `mark` of each key."""
    counts = Counter(name.lower() for name in wanted.values())
    taken = set(counts)
    given: dict[_Key, str] = {}
    for key, name in wanted.items():
        if not name or counts[name.lower()] > 1:
            marked = f"{name or 'droplet'}{joint}{mark(key)}"
            # The marked name may be taken too: two teams have the id, or a droplet is called so.
            more = (f"{marked}{joint}{number}" for number in count(2))
            name = next(each for each in chain((marked,), more) if each.lower() not in taken)
            taken.add(name.lower())
        given[key] = name
    return given
