"""What people do with jobs: select droplets, look at what would be done, confirm, cancel, retry."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import Connection, User
from common.tasks import enqueue
from droplets.actions.availability import missing_scopes
from droplets.actions.kinds import Kind
from droplets.fleet.items import FleetItem
from droplets.fleet.service import read_fleet
from droplets.jobs import advance, tasks
from droplets.jobs.forms import JobForm
from droplets.jobs.kinds import JOB_FORMS, JOB_KINDS, why_skipped
from droplets.models import Action, Job, JobStep, JobTeam

MOST = 1000
"""Droplets in a job."""

_DRAFTS_KEPT = timedelta(days=1)
_NOT_LISTED = "The droplet is no longer in your fleet."
_NO_ACCESS = "Conveyor has no access for this in the team."

State = JobStep.State


@dataclass
class TeamPlan:
    """What a job would do in one team. `missing` are the scopes that it needs first; `skipped` says why, for each."""

    team: JobTeam
    connection: Connection | None
    missing: tuple[str, ...] = ()
    acted_on: list[tuple[JobStep, FleetItem]] = field(default_factory=list)
    skipped: list[tuple[JobStep, str]] = field(default_factory=list)

    @property
    def skipped_because(self) -> dict[str, list[JobStep]]:
        """Those that are skipped by the reason."""
        found: dict[str, list[JobStep]] = {}
        for step, why in self.skipped:
            found.setdefault(why, []).append(step)
        return found


@dataclass(frozen=True)
class Plan:
    job: Job
    kind: Kind
    teams: tuple[TeamPlan, ...]

    @property
    def acted_on(self) -> list[tuple[JobStep, FleetItem]]:
        return [each for team in self.teams for each in team.acted_on]

    @property
    def skipped(self) -> list[tuple[JobStep, str]]:
        return [each for team in self.teams for each in team.skipped]

    @property
    def without_access(self) -> list[TeamPlan]:
        return [team for team in self.teams if team.missing]

    def form(self, data: Any = None) -> JobForm:
        """The form that confirms the job as it is now."""
        steps = [str(step.pk) for step, _ in self.acted_on]
        edition = sha256(",".join(steps).encode()).hexdigest()[:16]
        return JOB_FORMS[self.job.kind](data, count=len(steps), edition=edition)


def draft(user: User, kind: str, items: Iterable[FleetItem]) -> Job:
    """A job that does nothing before it is confirmed."""
    by_team: dict[UUID, list[FleetItem]] = {}
    for item in items:
        by_team.setdefault(item.team.connection, []).append(item)
    with transaction.atomic():
        Job.objects.filter(user=user, state=Job.State.DRAFT, created_at__lt=timezone.now() - _DRAFTS_KEPT).delete()
        job = Job.objects.create(user=user, kind=kind)
        for connection, some in by_team.items():
            team = JobTeam.objects.create(job=job, connection_id=connection, team_name=some[0].team.name)
            JobStep.objects.bulk_create(
                [JobStep(team=team, droplet_id=item.droplet.id, droplet_name=item.droplet.name[:255]) for item in some],
                batch_size=200,
            )
    return job


def plan(job: Job) -> Plan:
    """What a draft would do now, by the droplets as they were read last."""
    items = {(item.team.connection, item.droplet.id): item for item in read_fleet(job.user, wait=True).items}
    connections = {connection.pk: connection for connection in Connection.objects.for_user(job.user)}
    in_flight = _in_flight(connections.values())
    teams = []
    for team in job.teams.order_by("team_name", "pk").prefetch_related("steps"):
        connection = connections.get(team.connection_id)
        found = TeamPlan(team, connection)
        if connection:
            found.missing = missing_scopes(connection.scope, JOB_KINDS[job.kind].scopes)
        for step in team.steps.all():
            item = items.get((team.connection_id, step.droplet_id))
            if connection is None or item is None:
                found.skipped.append((step, _NOT_LISTED))
            elif why_not := _why_not(job, connection, found, item, in_flight.get(step.droplet_id, ())):
                found.skipped.append((step, why_not))
            else:
                found.acted_on.append((step, item))
        teams.append(found)
    return Plan(job, JOB_KINDS[job.kind], tuple(teams))


def _why_not(job: Job, connection: Connection, team: TeamPlan, item: FleetItem, rows: Sequence[Action]) -> str:
    if team.missing:
        return _NO_ACCESS
    if connection.state == Connection.State.NEEDS_RECONNECT:
        return "The team needs to be reconnected first."
    if rows:
        return "Another action is in progress."
    return why_skipped(job, connection, item.droplet, rows)


def _in_flight(connections: Iterable[Connection]) -> dict[int, list[Action]]:
    """The actions in flight in these teams, by droplet."""
    connections = list(connections)
    teams = [connection.team_uuid for connection in connections if connection.team_uuid]
    through = Q(connection_id__in=[connection.pk for connection in connections]) | Q(team_uuid__in=teams)
    found: dict[int, list[Action]] = {}
    for row in Action.objects.in_flight().filter(through):
        found.setdefault(row.droplet_id, []).append(row)
    return found


def confirm(found: Plan, form: JobForm) -> bool:
    """Start the job, once however often it is confirmed. False where that was done before. The form must be valid."""
    now = timezone.now()
    with transaction.atomic():
        changes = {
            "state": Job.State.RUNNING,
            "started_at": now,
            "parameters": form.parameters(),
            "at_once": form.cleaned_data["at_once"],
            "pause": form.cleaned_data["pause"],
            "count": len(found.acted_on),
        }
        if not Job.objects.filter(pk=found.job.pk, state=Job.State.DRAFT).update(**changes):
            return False
        skipped = []
        for step, why_not in found.skipped:
            step.state, step.message = State.SKIPPED, why_not
            skipped.append(step)
        JobStep.objects.bulk_update(skipped, ["state", "message"], batch_size=200)
        found.job.teams.update(due_at=now)
        for team in found.teams:
            enqueue(tasks.advance_job, found.job.pk, team.team.connection_id)
    return True


def cancel(job: Job) -> int:
    """Cancel what has not been sent yet. Returns how many droplets that were."""
    count = JobStep.objects.filter(team__job=job, state=State.WAITING).update(state=State.CANCELLED)
    advance.end_if_done(job.pk)
    return count


def retry(job: Job) -> Job | None:
    """A draft of the same job for the droplets that failed; None where there are none."""
    failed = JobStep.objects.filter(team__job=job, state=State.FAILED).select_related("team")
    wanted = {(step.team.connection_id, step.droplet_id) for step in failed}
    items = [
        item for item in read_fleet(job.user, wait=False).items if (item.team.connection, item.droplet.id) in wanted
    ]
    return draft(job.user, job.kind, items) if items else None
