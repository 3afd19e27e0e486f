"""Goes on with the part of a job in one team, a little at a time. docs/engine.md tells what happens when a worker dies.

The part's row is the lease: who moves `due_at` ahead has the part for itself until then. A step is sent once: it
becomes an action in one transaction, and an action is sent by whoever claims it (`droplets.actions.sending`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import Connection
from digitalocean_client import droplets as droplets_api
from digitalocean_client import errors
from digitalocean_client.schema import Droplet
from droplets.actions import polling, sending, timing, transitions
from droplets.actions.availability import missing_scopes
from droplets.actions.kinds import KINDS
from droplets.calls import rate_limit
from droplets.calls.droplet import call_for
from droplets.calls.parallel import fetch_all, token_of
from droplets.jobs.kinds import why_skipped
from droplets.models import Action, Job, JobStep, JobTeam

LEASE = timedelta(seconds=60)
"""How long a worker has a part for itself: twice what `advance` takes at most."""

GIVE_UP = timedelta(hours=1)
"""How long DigitalOcean may be ill before the steps that wait are given up."""

NOTHING = "Nothing was done."
DEACTIVATED = f"The account is deactivated. {NOTHING}"
DISCONNECTED = f"The team was disconnected. {NOTHING}"
NEEDS_RECONNECT = f"DigitalOcean no longer accepts the connection to this team. {NOTHING}"
GONE = f"The droplet no longer exists. {NOTHING}"

_BUDGET = 6.0  # seconds in which a worker begins rounds; the last one may take 24 more
_CALL = 6.0  # seconds for reading the droplets, and for polling, in a round
_MOST_BETWEEN = timedelta(seconds=60)
_LATEST = LEASE + _MOST_BETWEEN
_LATEST_SENDING = timedelta(minutes=61)
"""Nothing is put off for longer: a pause and a rate limit take an hour at most. What is due later was put off before
the clock was set back."""

State = JobStep.State


def due() -> QuerySet[JobTeam]:
    """The parts that a worker is to go on with now."""
    now = timezone.now()
    is_due = Q(due_at__lte=now) | Q(due_at__gt=now + _LATEST)
    return JobTeam.objects.filter(is_due, job__state=Job.State.RUNNING)


def advance(job: UUID, connection: UUID) -> float | None:
    """Store what has ended, and send what may be sent, within 30 seconds.

    Returns after how many seconds to go on. None where nothing is left to do, or another worker has the part.
    """
    part = due().select_related("job__user").filter(job=job, connection_id=connection).first()
    if part is None or not _move(part, timezone.now() + LEASE):
        return None
    began = monotonic()
    while _round(part) and monotonic() < began + _BUDGET:
        pass
    return _release(part)


def end_if_done(job: UUID) -> None:
    """Mark a job as ended if nothing of it waits or is under way."""
    if not JobStep.objects.filter(team__job=job, state__in=JobStep.OPEN).exists():
        Job.objects.filter(pk=job, state=Job.State.RUNNING).update(state=Job.State.ENDED, ended_at=timezone.now())


def _move(part: JobTeam, at: datetime | None) -> bool:
    """Change when the part is due. False where another worker has changed it."""
    if not JobTeam.objects.filter(pk=part.pk, due_at=part.due_at).update(due_at=at):
        return False
    part.due_at = at
    return True


def _release(part: JobTeam) -> float | None:
    now = timezone.now()
    running = Action.objects.filter(step__team=part, step__state=State.RUNNING)
    moments = [at or now for at in running.values_list("ask_at", flat=True)]
    if part.steps.filter(state=State.WAITING).exists() and _room(part, len(moments)) > 0:
        moments.append(part.send_after or now)
    if not moments:
        end_if_done(part.job_id)
        _move(part, None)
        return None
    seconds = min(max(min(moments) - now, timedelta(seconds=1)), _MOST_BETWEEN)
    return seconds.total_seconds() if _move(part, now + seconds) else None


def _room(part: JobTeam, running: int) -> int:
    """How many more may be sent. While DigitalOcean is ill it is tried with one."""
    return (1 if part.ill_since else part.job.at_once) - running


def _round(part: JobTeam) -> bool:
    """Store what has ended and send what may be sent. Returns whether another round makes sense now."""
    connection = Connection.objects.for_user(part.job.user).filter(pk=part.connection_id).first()
    if why_not := _why_not(part, connection):
        _end(part.steps.filter(state=State.WAITING), why_not)
    if connection is None or connection.state == Connection.State.NEEDS_RECONNECT:
        _end(part.steps.filter(state=State.RUNNING), transitions.NO_ACCESS)
        return False
    _poll(part, connection)
    _settle(part)
    if part.send_after and part.send_after > timezone.now() + _LATEST_SENDING:
        _change(part, send_after=None)
    if part.send_after and part.send_after > timezone.now():
        return False
    room = _room(part, part.steps.filter(state=State.RUNNING).count())
    steps = list(part.steps.filter(state=State.WAITING)[: max(room, 0)])
    return bool(steps) and _do(part, connection, steps)


def _poll(part: JobTeam, connection: Connection) -> None:
    """Ask DigitalOcean for the actions under way. Where it does not answer, the page of the job says so."""
    rows = polling.due(Action.objects.select_related("user").filter(step__team=part, step__state=State.RUNNING))
    met = [error for _, error in polling.follow(connection, rows, deadline=monotonic() + _CALL)]
    failed = [error for error in met if error]
    if failed:
        _change(part, waits_for=failed[0].sentence[:300])
    elif met and part.waits_for and not part.send_after:
        _change(part, waits_for="")


def _why_not(part: JobTeam, connection: Connection | None) -> str:
    """Why nothing more can be sent, empty where it can."""
    if connection is None:
        return DISCONNECTED
    if not connection.user.is_active:
        return DEACTIVATED
    if connection.state == Connection.State.NEEDS_RECONNECT:
        return NEEDS_RECONNECT
    missing = missing_scopes(connection.scope, KINDS[part.job.kind].scopes)
    return f"The connection no longer has {' and '.join(missing)}. {NOTHING}" if missing else ""


def _end(steps: QuerySet[JobStep], message: str, state: str = State.FAILED) -> None:
    steps.update(state=state, message=message[:500])


def _settle(part: JobTeam) -> None:
    """Store the results of the actions that have ended. After that the team pauses, if the job wants it."""
    with transaction.atomic():
        running = part.steps.filter(state=State.RUNNING).select_related("action")
        ended = [step for step in running if step.action is None or not step.action.is_in_flight]
        for step in ended:
            is_done = step.action is not None and step.action.status == Action.Status.COMPLETED
            step.state = State.DONE if is_done else State.FAILED
            step.message = step.action.words if step.action else ""
        JobStep.objects.bulk_update(ended, ["state", "message"])
        if ended and part.job.pause:
            until = timezone.now() + timedelta(seconds=part.job.pause)
            _change(part, send_after=max(until, part.send_after or until))


def _change(part: JobTeam, **changes: Any) -> None:
    for name, value in changes.items():
        setattr(part, name, value)
    JobTeam.objects.filter(pk=part.pk).update(**changes)


def _wait_for(part: JobTeam, error: errors.DigitalOceanError) -> None:
    """Wait until DigitalOcean is well again, or its rate limit has room."""
    now = timezone.now()
    is_ill = not isinstance(error, errors.RateLimited)
    ill_since = (part.ill_since or now) if is_ill else None
    if ill_since and now - ill_since > GIVE_UP:
        _end(part.steps.filter(state=State.WAITING), f"{error.sentence} {NOTHING}")
    later = now + timing.pause(ill_since or now, now)
    later = max(later, error.retry_at or later, part.send_after or later)
    _change(part, send_after=later, waits_for=error.sentence[:300], ill_since=ill_since)


def _do(part: JobTeam, connection: Connection, steps: Sequence[JobStep]) -> bool:
    """Read these droplets again, and send the actions that are possible. Returns whether DigitalOcean was well."""
    calls = {str(step.pk): call_for(step.droplet_id, droplets_api.droplet) for step in steps}
    droplets = fetch_all(connection, calls, deadline=monotonic() + _CALL, for_action=True)
    # While they were read, the connection may have lost scopes or been deleted. The next round tells.
    fresh = Connection.objects.for_user(part.job.user).filter(pk=connection.pk).first()
    if _why_not(part, fresh) or fresh is None:
        return True
    ready, problem = _ready(part, fresh, steps, droplets)
    if ready:
        problem = _send(part, fresh, ready) or problem
    if problem:
        _wait_for(part, problem)
    elif ready and (part.ill_since or part.waits_for):
        _change(part, waits_for="", ill_since=None)
    return problem is None


def _ready(
    part: JobTeam, connection: Connection, steps: Iterable[JobStep], droplets: Mapping[str, Any]
) -> tuple[list[tuple[JobStep, Droplet]], errors.DigitalOceanError | None]:
    """The steps that can be sent, and the error because of which others have to wait. What is impossible is ended."""
    in_flight = Action.objects.in_team(connection).in_flight().filter(droplet_id__in=[s.droplet_id for s in steps])
    blocking: dict[int, list[Action]] = {}
    for row in in_flight:
        blocking.setdefault(row.droplet_id, []).append(row)
    ready: list[tuple[JobStep, Droplet]] = []
    problem: errors.DigitalOceanError | None = None
    for step in steps:
        mine = part.steps.filter(pk=step.pk, state=State.WAITING)
        match droplets[str(step.pk)]:
            case errors.NotFound():
                _end(mine, GONE, State.SKIPPED)
            case errors.NotAllowed() | errors.Refused() | errors.UnexpectedAnswer() as error:
                _end(mine, f"{error.sentence} {NOTHING}")
            case errors.DigitalOceanError() as error:
                problem = error
            case droplet:
                why_not = why_skipped(part.job, connection, droplet, blocking.get(step.droplet_id, ()))
                if why_not:
                    _end(mine, why_not, State.SKIPPED)
                else:
                    ready.append((step, droplet))
    return ready, problem


def _send(
    part: JobTeam, connection: Connection, ready: Sequence[tuple[JobStep, Droplet]]
) -> errors.DigitalOceanError | None:
    """Send these actions side by side. Returns the error because of which they, or the next ones, have to wait."""
    if later := rate_limit.reserve(connection.pk, len(ready)):
        return errors.RateLimited("not sent, to stay under the limit", retry_at=later)
    token = token_of(connection, deadline=monotonic() + _CALL)
    if isinstance(token, errors.DigitalOceanError):
        return token
    rows = _record(part, connection, ready)
    sending.send(connection, rows, token)
    unconfirmed = Action.objects.filter(pk__in=[row.pk for row in rows], status=Action.Status.SENDING)
    return errors.Unavailable("no answer to an action") if unconfirmed.exists() else None


def _record(part: JobTeam, connection: Connection, ready: Sequence[tuple[JobStep, Droplet]]) -> list[Action]:
    """The new rows of the actions: none where another worker has the part, or the owner's account was deleted."""
    kind = KINDS[part.job.kind]
    rows = []
    try:
        with transaction.atomic():
            # Written to lock it: a worker that was stopped for longer than its lease sends nothing.
            if not JobTeam.objects.filter(pk=part.pk, due_at=part.due_at).update(due_at=part.due_at):
                return []
            waiting = JobStep.objects.select_for_update().filter(state=State.WAITING)
            found = {step.pk: step for step in waiting.filter(pk__in=[step.pk for step, _ in ready])}
            for step in found.values():
                step.team = part
            some = [(found[step.pk], droplet) for step, droplet in ready if step.pk in found]
            for step, droplet in some:
                parameters = part.job.parameters_for(step.droplet_name)
                step.action = sending.new_row(connection, droplet, kind, parameters, step.key)
                step.state = State.RUNNING
                rows.append(step.action)
            Action.objects.bulk_create(rows)
            JobStep.objects.bulk_update(found.values(), ["state", "action"])
    except IntegrityError:
        return []
    return rows
