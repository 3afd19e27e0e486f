"""The status changes of an action's row.

Every update is conditional on the status that it changes, so that two processes never undo each other's.
"""

import logging
from datetime import datetime
from typing import Any

import msgspec
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from accounts import spill
from accounts.models import Connection
from digitalocean_client import errors
from digitalocean_client.actions import DropletAction
from digitalocean_client.text import clean_text
from droplets.actions import emails
from droplets.fleet import cache as fleet_cache
from droplets.models import Action

log = logging.getLogger(__name__)

Status = Action.Status

NEVER_SENT = "Conveyor was interrupted before it could send this. Nothing was done."
NEVER_ARRIVED = "The request did not reach DigitalOcean. Nothing was done."
DROPLET_GONE = "The droplet no longer exists, so the result of this action is unknown."
FORGOTTEN = "DigitalOcean no longer has this action. The droplet may have been destroyed."
NO_ACCESS = "Conveyor lost access to the team before it could see the result of this action."
GONE_ALREADY = "It had already been destroyed."

_ENDS = {"completed": Status.COMPLETED, "errored": Status.ERRORED}
_FAILED = "DigitalOcean started this action and it failed. DigitalOcean gives no reason."


def mark_accepted(row: Action, action: DropletAction, *, request_id: str, ask_at: datetime) -> None:
    """Store the action of DigitalOcean's answer on this row, and detach any row that was matched to it by mistake."""
    before = (Status.SENDING, Status.IN_PROGRESS, Status.LOST)
    _write_answer(row, before, _fields_of(action, ask_at), request_id=request_id)


def adopt(row: Action, action: DropletAction, *, ask_at: datetime) -> bool:
    """Match the row to an action found at DigitalOcean. Returns False where another row has it."""
    try:
        with transaction.atomic():
            return _write(row, (Status.SENDING,), _fields_of(action, ask_at))
    except IntegrityError:
        return False


def mark_progress(row: Action, action: DropletAction, *, ask_at: datetime) -> None:
    """Store the current state of an action that DigitalOcean has accepted."""
    _write(row, (Status.IN_PROGRESS,), _fields_of(action, ask_at))


def mark_done(row: Action, *, message: str = "", request_id: str = "") -> None:
    """Mark as done a request that has no action at DigitalOcean to poll."""
    changes = _end(Status.COMPLETED)
    if row.kind == "destroy" and message != GONE_ALREADY:
        changes["email_due_at"] = timezone.now() + emails.GATHER
    if _write_answer(row, (Status.SENDING,), changes, message=message, request_id=request_id) and row.kind == "destroy":
        emails.enqueue_email(row.connection_id)


def mark_refused(row: Action, error: errors.DigitalOceanError, *, message: str = "") -> None:
    """Mark as refused by DigitalOcean: nothing was done. `message` defaults to the sentence of `error`."""
    message = message or error.sentence
    _write_answer(row, (Status.SENDING,), _end(Status.REFUSED), message=message, request_id=error.request_id)


def mark_lost(row: Action, message: str) -> None:
    """Mark as lost: DigitalOcean has no record of it. Does nothing if the status has changed since `row` was read."""
    _write(row, (row.status,), _end(Status.LOST), message=message)


def is_under_way(action: DropletAction) -> bool:
    """Whether DigitalOcean has not ended the action."""
    return str(action.status) not in _ENDS


def schedule_poll(row: Action, at: datetime) -> None:
    """Let DigitalOcean be asked about the row at this moment, if it is still in flight."""
    Action.objects.filter(pk=row.pk, status__in=Action.IN_FLIGHT).update(ask_at=at)


def _fields_of(action: DropletAction, ask_at: datetime) -> dict[str, object]:
    known = {"digitalocean_id": action.id, "began_at": action.started_at}
    end = _ENDS.get(str(action.status))
    if end is None:
        return {**known, "status": Status.IN_PROGRESS, "ask_at": ask_at}
    message = _FAILED if end == Status.ERRORED else ""
    return {**known, **_end(end, action.completed_at), "words": message}


def _end(status: Status, at: datetime | None = None) -> dict[str, object]:
    return {"status": status, "ended_at": at or timezone.now(), "ask_at": None}


def _write_answer(
    row: Action, before: tuple[str, ...], changes: dict[str, Any], *, message: str = "", request_id: str = ""
) -> bool:
    """As `_write`, for what DigitalOcean answered to the request itself. If it cannot be stored now, it is later."""
    try:
        with transaction.atomic():
            if began_at := changes.get("began_at"):
                same = Action.objects.filter(digitalocean_id=changes["digitalocean_id"], began_at=began_at)
                same.exclude(pk=row.pk).update(
                    digitalocean_id=None, began_at=None, ended_at=None, status=Status.SENDING, ask_at=timezone.now()
                )
            return _write(row, before, changes, message=message, request_id=request_id)
    except spill.NOT_STORED:
        answer = {"before": before, "changes": changes, "message": message, "request_id": request_id}
        spill.Spill("action", str(row.pk), msgspec.to_builtins(answer)).retry()
        raise


def _store_late(key: str, answer: dict[str, Any]) -> None:
    """Store an answer of which the database knew nothing when it came. The row may have been polled since."""
    row = Action.objects.filter(pk=key).first()
    if row is None:
        return
    moments = {"began_at", "ended_at", "ask_at", "email_due_at"}
    changes = {
        name: parse_datetime(value) if name in moments and value else value for name, value in answer["changes"].items()
    }
    _write(row, tuple(answer["before"]), changes, message=answer["message"], request_id=answer["request_id"])


spill.register("action", _store_late)


def _write(
    row: Action, before: tuple[str, ...], changes: dict[str, object], *, message: str = "", request_id: str = ""
) -> bool:
    """Update the row if its status is one of `before`; returns whether it was."""
    if message:
        changes["words"] = clean_text(message)[:500]
    if request_id:
        changes["request_id"] = clean_text(request_id)[:100]
    if not Action.objects.filter(pk=row.pk, status__in=before).update(**changes):
        return False
    if changes["status"] != row.status:
        log.info(
            "Droplet action %s: %s",
            row.kind,
            changes["status"],
            extra={"action": str(row.pk), "droplet": row.droplet_id, "digitalocean_request_id": request_id or "-"},
        )
    if changes["ask_at"] is None:
        _expire(row)
    return True


def _expire(row: Action) -> None:
    """Expire the cached fleet of every connection to the row's team, because the droplet has changed."""
    team = Connection.objects.filter(team_uuid=row.team_uuid) if row.team_uuid else Connection.objects.none()
    for pk in {row.connection_id, *team.values_list("pk", flat=True)}:
        fleet_cache.request_reload(pk)
