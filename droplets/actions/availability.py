"""What may be done to a droplet now, and why the rest may not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from accounts.models import Connection
from digitalocean_client.schema import Droplet
from droplets.actions import scopes
from droplets.actions.kinds import KINDS, RUNNING, STOPPED, Kind
from droplets.models import Action

_UNABLE = {"new": "It is being created. Wait until it is there.", "archive": "It is archived."}
_UNKNOWN = "DigitalOcean does not say whether it is on."
_UNFIT = {"active": "It is on already.", "off": "It is off."}
_LOCKED = "Another action is under way. Wait until it is done."
_UNSURE = "What was asked of it last is being looked up at DigitalOcean. Wait until that is known."
_LACKING = {"backups": "They are off."}
_THERE = {"backups": "They are on already.", "ipv6": "It is on already."}


@dataclass(frozen=True)
class Availability:
    """A kind of action, as a droplet stands. `why_not` is a sentence, empty where it can be done.

    `missing` are the scopes that the connection would have to be granted first.
    """

    kind: Kind
    why_not: str
    missing: tuple[str, ...]

    @property
    def is_open(self) -> bool:
        return not self.why_not and not self.missing


@dataclass(frozen=True)
class Menu:
    """All kinds, in groups with a title. `why_none` is why none of them can be done now, empty where some can."""

    groups: tuple[tuple[str, tuple[Availability, ...]], ...]
    why_none: str

    @property
    def lacks_access(self) -> bool:
        """Whether there are some that only more access would allow."""
        return any(offer.missing for _, offers in self.groups for offer in offers)


def availability_of(kind: Kind, connection: Connection, droplet: Droplet, rows: Iterable[Action]) -> Availability:
    """Whether this may be done. `rows` are the droplet's actions in flight."""
    why_not = _why_none(droplet, rows) or _why_not(kind, droplet)
    return Availability(kind, why_not, scopes.missing(connection.scope, kind.scopes + kind.reads))


def menu(connection: Connection, droplet: Droplet, rows: Iterable[Action]) -> Menu:
    """`rows` as for `offer`."""
    offers = [availability_of(kind, connection, droplet, rows) for kind in KINDS.values()]
    groups = tuple((title, tuple(some)) for title, some in groupby(offers, key=lambda each: each.kind.group))
    return Menu(groups, _why_none(droplet, rows))


def _why_none(droplet: Droplet, rows: Iterable[Action]) -> str:
    if any(row.status != Action.Status.IN_PROGRESS for row in rows):
        return _UNSURE
    if droplet.locked:
        return _LOCKED
    status = str(droplet.status or "")
    return "" if status in RUNNING | STOPPED else _UNABLE.get(status, _UNKNOWN)


def _why_not(kind: Kind, droplet: Droplet) -> str:
    status = str(droplet.status)
    if status not in kind.statuses:
        return "Shut it down first." if kind.slug == "resize" else _UNFIT[status]
    features = droplet.features
    if features is not None and kind.needs and kind.needs not in features:
        return _LACKING[kind.needs]
    if features is not None and kind.lacks in features:
        return _THERE[kind.lacks]
    return ""
