"""A team's volumes, VPCs and reserved IPs: read from DigitalOcean and kept in the shared cache for a minute.

DigitalOcean has no endpoints for those of one droplet, and reading whole lists for every droplet's page would use up
the rate limit. They are deleted with their connection. A value that cannot be decoded is read again.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec

from accounts.models import Connection
from common.cache import decoded, shared
from digitalocean_client import errors, resources
from digitalocean_client.lists import AllItems
from digitalocean_client.resources import ReservedIp, Volume, Vpc
from droplets.calls.parallel import Call

FRESH = 60
"""Seconds that a list is used without reading it again."""

_GONE = 300  # seconds: longer than any page that is still being read

_LISTS: dict[str, tuple[Callable[..., AllItems[Any]], Any]] = {
    "volumes": (resources.volumes, AllItems[Volume]),
    "vpcs": (resources.vpcs, AllItems[Vpc]),
    "reserved_ips": (resources.reserved_ips, AllItems[ReservedIp]),
}


def load(pk: UUID) -> dict[str, AllItems[Any]]:
    """The lists of a connection that are in the cache, by name."""
    found = shared().get_many([_key(pk, name) for name in _LISTS])
    lists = {name: decoded(found.get(_key(pk, name)), kind, "A list") for name, (_, kind) in _LISTS.items()}
    return {name: value for name, value in lists.items() if value is not None}


def calls_except(lists: dict[str, AllItems[Any]]) -> dict[str, Call[Any]]:
    """The calls for the lists that are not among these, by name."""
    return {name: _call(read) for name, (read, _) in _LISTS.items() if name not in lists}


def save(connection: Connection, answers: dict[str, Any]) -> None:
    """Store those of the answers that are lists."""
    pk = connection.pk
    for name, answer in answers.items():
        if name in _LISTS and not isinstance(answer, errors.DigitalOceanError):
            shared().set(_key(pk, name), msgspec.msgpack.encode(answer), FRESH)
    if shared().get(_key(pk, "gone")):
        # Disconnected meanwhile. This is checked after writing, so that either this or `forget` deletes the lists.
        forget(pk)


def forget(pk: UUID) -> None:
    """Delete the lists of a connection. Those that are being read now will not stay either."""
    shared().set(_key(pk, "gone"), 1, _GONE)
    shared().delete_many([_key(pk, name) for name in _LISTS])


def _call(read: Callable[..., AllItems[Any]]) -> Call[Any]:
    return lambda token, deadline: read(token, deadline=deadline)


def _key(pk: UUID, part: str) -> str:
    return f"team_lists.1:{pk}:{part}"
