"""Celery workers and a scheduler for benchmarks, jobs that they do, and what they take of the machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

from django.core.cache import cache

from droplets.fleet.service import read_fleet
from droplets.models import Job
from tests.bench.stage import Incomplete, Stage, Visitor
from tests.droplets.jobs.many import Many
from tests.support.engine import Engine, engine
from tests.support.waiting import wait_until

_numbers = count(1)


@contextmanager
def running(stage: Stage, workers: int, *, concurrency: int, beat: bool = True) -> Iterator[list[Engine]]:
    """Workers that are ready, each with so many processes, and a scheduler, until the block ends."""
    with ExitStack() as stack:
        options = ("worker", "--concurrency", str(concurrency))
        started = [stack.enter_context(engine(*options, log=_log(stage, "worker"))) for _ in range(workers)]
        for each in started:
            wait_until(lambda: "ready" in each.output, seconds=60)  # noqa: B023  # ends before the next turn
        if beat:
            stack.enter_context(engine("beat", log=_log(stage, "beat")))
        yield started


def _log(stage: Stage, name: str) -> Path:
    return stage.directory / f"{name}-{next(_numbers)}.log"


def prepare(stage: Stage, team: str, droplets: int) -> None:
    """Give a team so many ordinary droplets, all of them running."""
    stage.resize(team, droplets)
    fields = {"status": "active", "locked": False}
    stage.sandbox.droplets(team, patch=[{"index": index, "set": fields} for index in range(droplets)])


def owner(stage: Stage, *teams: str) -> Visitor:
    """A new user who has connected these teams and lets Conveyor act on them."""
    visitor = stage.visitor(*teams)
    for team in teams:
        cache.clear()  # what one address may do in a minute is limited
        url = f"/accounts/connections/{visitor.person.connection(team).pk}/act/"
        visitor.person.go(team, url=url)
    cache.clear()
    return visitor


def selections(visitor: Visitor, each: int, number: int = 1) -> list[list[str]]:
    """`number` lots of droplets that run, each with `each` of every team; no droplet is in two lots."""
    teams: dict[str, list[str]] = {}
    for item in read_fleet(visitor.person.user, wait=True).items:
        if item.droplet.status == "active" and not item.droplet.locked:
            teams.setdefault(item.team.key, []).append(f"{item.team.connection}:{item.droplet.id}")
    if any(len(found) < each * number for found in teams.values()):
        raise Incomplete("a team has too few droplets that run")
    lots = range(0, each * number, each)
    return [[key for found in teams.values() for key in found[start : start + each]] for start in lots]


def start_job(visitor: Visitor, droplets: list[str], *, at_once: int) -> Job:
    """A confirmed job that reboots these droplets, through the pages."""
    selected = {"which": "ticked", "d": droplets}
    job = Many(visitor.person).start("reboot", selected=selected, at_once=at_once)
    if job.count != len(droplets):
        raise Incomplete(f"a job has {job.count} droplets instead of {len(droplets)}")
    return job


def seconds_of(job: Job) -> float:
    """Wait for its end. Returns the seconds from its confirmation until then."""
    wait_until(lambda: Job.objects.filter(pk=job.pk, state=Job.State.ENDED).exists(), seconds=400)
    job.refresh_from_db()
    if job.started_at is None or job.ended_at is None:
        raise Incomplete("a job has no times")
    return (job.ended_at - job.started_at).total_seconds()


def memory(worker: Engine) -> float:
    """Megabytes that a worker and its processes take together. What they share counts once (Linux: Pss)."""
    pid = worker.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return sum(_pss(each) for each in [str(pid), *children]) / 1024


def _pss(pid: str) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


def processor_time(pid: int) -> float:
    """Processor time in seconds of a process with one thread; 0 if the system does not provide it."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    except OSError:
        return 0.0
