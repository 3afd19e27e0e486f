"""Which actions a droplet allows now, and why not the others."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from accounts.models import Connection
from digitalocean_client.schema import Droplet
from droplets.actions.kinds import KINDS, RUNNING, STOPPED, Kind
from droplets.fleet.summary import DropletSummary
from droplets.models import Action

_BLOCKING_STATUS = {"new": "The droplet is still being created.", "archive": "The droplet is archived."}
_UNKNOWN_STATUS = "DigitalOcean does not say whether the droplet is on or off."
_WRONG_STATUS = {"active": "The droplet is already on.", "off": "The droplet is off."}
_LOCKED = "Another action is in progress. Wait until it is done."
_UNCONFIRMED = "DigitalOcean has not confirmed the last action yet. Wait until its result is known."
_NOT_ENABLED = {"backups": "Backups are not enabled."}
_ENABLED = {"backups": "Backups are already enabled.", "ipv6": "IPv6 is already enabled."}


@dataclass(frozen=True)
class Availability:
    """Whether a droplet allows a kind of action now. `why_not` is a sentence, empty where the action is possible.

    `missing` are the scopes that the connection needs to be granted first.
    """

    kind: Kind
    why_not: str
    missing: tuple[str, ...]

    @property
    def is_open(self) -> bool:
        return not self.why_not and not self.missing


@dataclass(frozen=True)
class Menu:
    """All kinds in groups with a title. `why_none` says why no action is possible now, empty where some are."""

    groups: tuple[tuple[str, tuple[Availability, ...]], ...]
    why_none: str

    @property
    def lacks_access(self) -> bool:
        """Whether the connection's scope is too narrow for some of them."""
        return any(each.missing for _, group in self.groups for each in group)


def availability_of(
    kind: Kind, connection: Connection, droplet: Droplet | DropletSummary, rows: Iterable[Action]
) -> Availability:
    """Whether this kind of action is possible. `rows` are the droplet's actions in flight."""
    why_not = _why_none(droplet, rows) or _why_not(kind, droplet)
    return Availability(kind, why_not, missing_scopes(connection.scope, kind.scopes + kind.reads))


def menu(connection: Connection, droplet: Droplet, rows: Iterable[Action]) -> Menu:
    """The droplet's menu of actions. `rows` are its actions in flight."""
    found = [availability_of(kind, connection, droplet, rows) for kind in KINDS.values()]
    groups = tuple((title, tuple(group)) for title, group in groupby(found, key=lambda each: each.kind.group))
    return Menu(groups, _why_none(droplet, rows))


def missing_scopes(granted: str, needed: Iterable[str]) -> tuple[str, ...]:
    """The scopes in `needed` that `granted`, a space-separated list, does not include. `write` includes all.

    `read` and `write` are broad, others are of one resource: https://docs.digitalocean.com/reference/api/scopes/

    >>> missing_scopes("droplet:read droplet:update", ["droplet:update", "image:create"])
    ('image:create',)
    """
    parts = set(granted.split())
    if "write" in parts:
        return ()
    return tuple(scope for scope in needed if scope not in parts and not ("read" in parts and scope.endswith(":read")))


def _why_none(droplet: Droplet | DropletSummary, rows: Iterable[Action]) -> str:
    if any(row.status != Action.Status.IN_PROGRESS for row in rows):
        return _UNCONFIRMED
    if droplet.locked:
        return _LOCKED
    status = str(droplet.status or "")
    return "" if status in RUNNING | STOPPED else _BLOCKING_STATUS.get(status, _UNKNOWN_STATUS)


def _why_not(kind: Kind, droplet: Droplet | DropletSummary) -> str:
    status = str(droplet.status)
    if status not in kind.statuses:
        return "Shut the droplet down first." if kind.slug == "resize" else _WRONG_STATUS[status]
    if kind.needs and _has(droplet, kind.needs) is False:
        return _NOT_ENABLED[kind.needs]
    if kind.lacks and _has(droplet, kind.lacks):
        return _ENABLED[kind.lacks]
    return ""


def _has(droplet: Droplet | DropletSummary, feature: str) -> bool | None:
    """Whether the droplet has the feature, None where that is not known. A summary knows of backups only."""
    if isinstance(droplet, DropletSummary):
        return droplet.has_backups if feature == "backups" else None
    return None if droplet.features is None else feature in droplet.features
