"""Everything that DigitalOcean says of one droplet, asked side by side, each part with a failure of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from accounts.models import Connection
from digitalocean_client import errors, resources
from digitalocean_client.lists import Items
from digitalocean_client.resources_schema import Copy, Firewall, Policy, ReservedIp, Volume, Vpc
from digitalocean_client.schema import Droplet
from droplets.calls import droplet as droplet_calls

T = TypeVar("T")


@dataclass(frozen=True)
class Part(Generic[T]):
    """One part of the page: its `value`, or the `error` that stands in its place."""

    value: T | None = None
    error: errors.DigitalOceanError | None = None

    @property
    def is_hidden(self) -> bool:
        """Whether the connection's access does not reach it."""
        return isinstance(self.error, errors.NotAllowed)


@dataclass(frozen=True)
class Overview:
    droplet: Droplet
    snapshots: Part[Items[Copy]]
    backups: Part[Items[Copy]]
    policy: Part[Policy]
    firewalls: Part[Items[Firewall]]
    volumes: Part[Items[Volume]]
    vpc: Part[Vpc]
    reserved_ips: Part[Items[ReservedIp]]


def read_overview(connection: Connection, droplet_id: int) -> Overview:
    """The overview, within FLEET_DEADLINE seconds.

    Raises a `DigitalOceanError` where the droplet itself cannot be read, `NotFound` where the team has none of that id.
    """
    names = ("snapshots", "backups", "policy", "firewalls", "volumes", "reserved_ips")
    questions = {name: droplet_calls.call_for(droplet_id, getattr(resources, name)) for name in names}
    questions["vpcs"] = lambda token, deadline: resources.vpcs(token, deadline=deadline)
    droplet, answers = droplet_calls.fetch_droplet_with(connection, droplet_id, questions)
    vpc = _vpc(_part(answers.pop("vpcs")), droplet)
    return Overview(droplet=droplet, vpc=vpc, **{name: _part(answer) for name, answer in answers.items()})


def _part(answer: Any) -> Part[Any]:
    return Part(error=answer) if isinstance(answer, errors.DigitalOceanError) else Part(answer)


def _vpc(part: Part[Items[Vpc]], droplet: Droplet) -> Part[Vpc]:
    if part.value is None:
        return Part(error=part.error)
    return Part(next((vpc for vpc in part.value.items if vpc.id == droplet.vpc_uuid), None))
