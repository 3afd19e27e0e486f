"""A droplet's overview: the droplet and all that belongs to it, read in parallel, each part with its own error."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from accounts.models import Connection
from digitalocean_client import errors, resources
from digitalocean_client.lists import AllItems
from digitalocean_client.resources import Firewall, ReservedIp, StoredImage, Volume, Vpc
from digitalocean_client.schema import BackupPolicy, Droplet
from droplets.calls import droplet as droplet_calls
from droplets.calls import team_lists

T = TypeVar("T")


@dataclass(frozen=True)
class Part(Generic[T]):
    """One part of the page: its `value`, or its `error`."""

    value: T | None = None
    error: errors.DigitalOceanError | None = None

    @property
    def is_hidden(self) -> bool:
        """Whether the connection's scope or the person's role does not include it."""
        return isinstance(self.error, errors.NotAllowed)


@dataclass(frozen=True)
class Overview:
    droplet: Droplet
    snapshots: Part[AllItems[StoredImage]]
    backups: Part[AllItems[StoredImage]]
    backup_policy: Part[BackupPolicy]
    firewalls: Part[AllItems[Firewall]]
    volumes: Part[AllItems[Volume]]
    vpc: Part[Vpc]
    reserved_ips: Part[AllItems[ReservedIp]]


def read_overview(connection: Connection, droplet_id: int) -> Overview:
    """The overview, within PAGE_DEADLINE seconds.

    Raises a `DigitalOceanError` where the droplet itself cannot be read, `NotFound` where the team does not have it.
    """
    names = ("snapshots", "backups", "backup_policy", "firewalls")
    calls = {name: droplet_calls.call_for(droplet_id, getattr(resources, name)) for name in names}
    cached = team_lists.load(connection.pk)
    droplet, answers = droplet_calls.fetch_droplet_with(connection, droplet_id, calls | team_lists.calls_except(cached))
    team_lists.save(connection, answers)
    lists = {**answers, **cached}
    if droplet.features is not None and "backups" not in droplet.features:
        answers["backup_policy"] = None  # off, whatever DigitalOcean answers about the policy of no backups
    vpcs = _those_with(lists["vpcs"], lambda vpc: vpc.id == droplet.vpc_uuid)
    return Overview(
        droplet=droplet,
        volumes=_those_with(lists["volumes"], lambda volume: droplet_id in (volume.droplet_ids or ())),
        reserved_ips=_those_with(
            lists["reserved_ips"], lambda ip: ip.droplet is not None and ip.droplet.id == droplet_id
        ),
        vpc=Part(next(iter(vpcs.value.items), None) if vpcs.value else None, vpcs.error),
        **{name: _part(answers[name]) for name in names},
    )


def _part(answer: Any) -> Part[Any]:
    return Part(error=answer) if isinstance(answer, errors.DigitalOceanError) else Part(answer)


def _those_with(answer: Any, belongs: Callable[[Any], bool]) -> Part[Any]:
    """The items of a team's list that belong to the droplet."""
    if isinstance(answer, errors.DigitalOceanError):
        return Part(error=answer)
    return Part(AllItems(tuple(filter(belongs, answer.items)), answer.missing))
