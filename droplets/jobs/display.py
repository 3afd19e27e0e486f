"""How jobs are shown: what they do, how far they are, and what they cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Count
from django.utils import timezone

from accounts.models import User
from common.templatetags.formats import disk, money
from droplets.jobs.kinds import JOB_KINDS
from droplets.jobs.service import Plan
from droplets.models import Job, JobStep

State = JobStep.State

_BADGES = {
    State.FAILED: "bad",
    State.RUNNING: "info",
    State.WAITING: "off",
    State.SKIPPED: "warn",
    State.CANCELLED: "off",
    State.DONE: "ok",
}
"""Each state's badge, in the order of the page: first what may need the person."""

SNAPSHOT_PRICE = 0.06
"""US dollars a GB and month (https://docs.digitalocean.com/products/snapshots/details/pricing/). No API tells it."""

WEEKLY, DAILY = 0.2, 0.3
"""What backups cost, as a part of the droplet's price (https://docs.digitalocean.com/products/backups/details/pricing/).

No API tells it.
"""


@dataclass(frozen=True)
class StateCount:
    key: str
    label: str
    badge: str
    count: int


@dataclass(frozen=True)
class JobDisplay:
    """A job with its title and how many droplets are in each state. What the preview skipped is no progress."""

    job: Job
    title: str
    counts: tuple[StateCount, ...]

    @property
    def open(self) -> int:
        return sum(each.count for each in self.counts if each.key in JobStep.OPEN)

    @property
    def ended(self) -> int:
        return self.job.count - self.open

    @property
    def waiting(self) -> int:
        return self._count(State.WAITING)

    @property
    def failed(self) -> int:
        return self._count(State.FAILED)

    @property
    def is_running(self) -> bool:
        return self.job.state == Job.State.RUNNING

    @property
    def badge(self) -> str:
        return "info" if self.is_running else "bad" if self.failed else "ok"

    @property
    def label(self) -> str:
        """“Under way”, “3 failed”, “Ended”."""
        if self.is_running or not self.failed:
            return Job.State(self.job.state).label
        return f"{self.failed} failed"

    @property
    def outcome(self) -> str:
        """“11 done, 1 failed”."""
        return ", ".join(f"{each.count} {each.label.lower()}" for each in reversed(self.counts))

    def _count(self, state: str) -> int:
        return next((each.count for each in self.counts if each.key == state), 0)


def title_of(kind: str, count: int) -> str:
    """“Reboot 12 droplets”; “Reboot” where there are none."""
    if not count:
        return JOB_KINDS[kind].title
    droplets = f"{count} droplet{'' if count == 1 else 's'}"
    return JOB_KINDS[kind].command_for(droplets)


def display_jobs(jobs: Iterable[Job]) -> list[JobDisplay]:
    """The jobs in the same order, with one query for all of them."""
    jobs = list(jobs)
    counts: dict[object, dict[str, int]] = {job.pk: {} for job in jobs}
    rows = JobStep.objects.filter(team__job__in=jobs).order_by().values_list("team__job", "state")
    for pk, state, count in rows.annotate(count=Count("pk")):
        counts[pk][state] = count
    return [_display(job, counts[job.pk]) for job in jobs]


def _display(job: Job, counts: Mapping[str, int]) -> JobDisplay:
    found = [
        StateCount(state, state.label, badge, counts[state]) for state, badge in _BADGES.items() if state in counts
    ]
    return JobDisplay(job, title_of(job.kind, job.count), tuple(found))


def costs(plan: Plan) -> str:
    """A sentence about what the job costs, empty where it costs nothing."""
    droplets = [item.droplet for _, item in plan.acted_on]
    monthly = sum(droplet.monthly or 0 for droplet in droplets)
    unknown = sum(droplet.monthly is None for droplet in droplets)
    price = f"Without backups, these droplets cost {money(monthly)} a month"
    if unknown:
        price += f", not counting {unknown} whose price DigitalOcean did not send"
    match plan.job.kind:
        case "snapshot":
            size = sum(droplet.disk or 0 for droplet in droplets)
            return (
                f"The disks have {disk(size)} together. At DigitalOcean's list price of {money(SNAPSHOT_PRICE)} for "
                f"each GB a month, the snapshots cost at most {money(size * SNAPSHOT_PRICE)} a month: only what is in "
                "use is billed, and its size is known when a snapshot is taken."
            )
        case "enable_backups":
            return (
                f"{price}. At DigitalOcean's list prices, weekly backups add {money(monthly * WEEKLY)} a month, daily "
                f"backups {money(monthly * DAILY)}."
            )
        case "disable_backups":
            return (
                f"{price}. At DigitalOcean's list prices, you save {money(monthly * WEEKLY)} a month if all are "
                f"backed up weekly, {money(monthly * DAILY)} if daily."
            )
        case "destroy":
            return f"{price}, which DigitalOcean then no longer bills."
    return ""


@dataclass(frozen=True)
class Header:
    """For the top of every page: how many jobs of a person are under way, and those that have just ended."""

    running: int
    ended: list[JobDisplay]


def header(user: User, *, tell: bool = True) -> Header:
    """Each ended job is in it once: after that its owner has been told. Without `tell` the owner does not see it."""
    jobs = list(Job.objects.filter(user=user, shown_at=None).exclude(state=Job.State.DRAFT))
    ended = [job for job in jobs if job.state == Job.State.ENDED]
    running = len(jobs) - len(ended)
    if not ended or not tell:
        return Header(running, [])
    mark_shown(ended)
    return Header(running, display_jobs(ended))


def mark_shown(jobs: Iterable[Job]) -> None:
    """Note that the owner was told that these jobs have ended."""
    Job.objects.filter(pk__in=[job.pk for job in jobs], shown_at=None).update(shown_at=timezone.now())
