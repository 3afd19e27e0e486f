"""How an action ends, written down: what DigitalOcean said of it, or that it said nothing.

Every write is conditional on the status that it changes, so that two who look at a row never undo one another.
"""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Connection
from digitalocean_client import actions_schema, errors
from digitalocean_client.text import Text
from droplets.fleet import cache as fleet_cache
from droplets.models import Action

log = logging.getLogger(__name__)

Status = Action.Status

NEVER_SENT = "Conveyor was interrupted before it could send this. Nothing was done."
NEVER_ARRIVED = "It never arrived at DigitalOcean. Nothing was done."
DROPLET_GONE = "The droplet is gone, so what became of this cannot be seen."
FORGOTTEN = "DigitalOcean does not know this action any more. The droplet may have been destroyed meanwhile."
NO_ACCESS = "Conveyor's access to the team ended before it could see what became of this."
GONE_ALREADY = "It had been destroyed already."

_ENDS = {"completed": Status.COMPLETED, "errored": Status.ERRORED}
_FAILED = "DigitalOcean began this, and could not do it. It does not say why."


def took_on(row: Action, told: actions_schema.DropletAction, *, request_id: str, ask_at: datetime) -> None:
    """DigitalOcean's own answer: this action is this row's, whoever has taken it for theirs in the meantime."""
    with transaction.atomic():
        mistaken = Action.objects.filter(digitalocean_id=told.id, began_at=told.started_at).exclude(pk=row.pk)
        mistaken.update(digitalocean_id=None, began_at=None, ended_at=None, status=Status.SENDING, ask_at=ask_at)
        _write(row, (Status.SENDING, Status.IN_PROGRESS, Status.LOST), _as_told(told, ask_at), request_id=request_id)


def adopt(row: Action, told: actions_schema.DropletAction, *, ask_at: datetime) -> bool:
    """Take an action that was found at DigitalOcean for this row's, unless it is another's."""
    try:
        with transaction.atomic():
            return _write(row, (Status.SENDING,), _as_told(told, ask_at))
    except IntegrityError:
        return False


def progressed(row: Action, told: actions_schema.DropletAction, *, ask_at: datetime) -> None:
    """What DigitalOcean says now of an action that it has taken on."""
    _write(row, (Status.IN_PROGRESS,), _as_told(told, ask_at))


def done(row: Action, *, words: str = "", request_id: str = "") -> None:
    """Done, without an action to follow."""
    _write(row, (Status.SENDING,), _end(Status.COMPLETED), words=words, request_id=request_id)


def refused(row: Action, error: errors.DigitalOceanError, *, words: str = "") -> None:
    """DigitalOcean said no, in the words of `error` unless there are better ones: nothing was done."""
    _write(row, (Status.SENDING,), _end(Status.REFUSED), words=words or error.sentence, request_id=error.request_id)


def lost(row: Action, words: str) -> None:
    """It is not known at DigitalOcean, and will not be. Not where `row` has come further since it was read."""
    _write(row, (row.status,), _end(Status.LOST), words=words)


def ask_again(row: Action, at: datetime) -> None:
    Action.objects.filter(pk=row.pk, status__in=Action.IN_FLIGHT).update(ask_at=at)


def _as_told(told: actions_schema.DropletAction, ask_at: datetime) -> dict[str, object]:
    known = {"digitalocean_id": told.id, "began_at": told.started_at}
    ends = _ENDS.get(str(told.status))
    if ends is None:
        return {**known, "status": Status.IN_PROGRESS, "ask_at": ask_at}
    words = _FAILED if ends == Status.ERRORED else ""
    return {**known, **_end(ends, told.completed_at), "words": words}


def _end(status: Status, at: datetime | None = None) -> dict[str, object]:
    return {"status": status, "ended_at": at or timezone.now(), "ask_at": None}


def _write(
    row: Action, before: tuple[str, ...], changes: dict[str, object], *, words: str = "", request_id: str = ""
) -> bool:
    if words:
        changes["words"] = Text(words)[:500]
    if request_id:
        changes["request_id"] = Text(request_id)[:100]
    if not Action.objects.filter(pk=row.pk, status__in=before).update(**changes):
        return False
    if changes["status"] != row.status:
        log.info(
            "%s of a droplet: %s",
            row.kind,
            changes["status"],
            extra={"action": str(row.pk), "droplet": row.droplet_id, "digitalocean_request_id": request_id or "-"},
        )
    if changes["ask_at"] is None:
        _expire(row)
    return True


def _expire(row: Action) -> None:
    """The fleet is to show it, through whichever connection to the team somebody looks."""
    team = Connection.objects.filter(team_uuid=row.team_uuid) if row.team_uuid else Connection.objects.none()
    for pk in {row.connection_id, *team.values_list("pk", flat=True)}:
        fleet_cache.expire(pk)
