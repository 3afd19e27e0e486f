"""One, two and four workers, each with one process; DigitalOcean takes 100 ms for each call.

Two jobs in thirty teams go on, one droplet at a time in each team. For each droplet a worker makes three calls, one
after the other: it reads the droplet, begins the reboot, and two seconds later asks whether it has ended. There is
always more to do than four workers can. After the first droplets it is counted for eight seconds how many end. A worker
waits for DigitalOcean for most of the time, and so do all together on two processors: that is why the sandbox, the
database and Redis beside them matter little. The sandbox's processor time is measured too.
"""

from __future__ import annotations

from time import perf_counter, sleep

from droplets.models import Job, JobStep
from tests.bench.results import Result, compared, per_second
from tests.bench.rounds import in_turns
from tests.bench.stage import Stage, Visitor
from tests.bench.workers import owner, prepare, processor_time, running, selections, start_job
from tests.support.waiting import wait_until

TEAMS, JOBS, EACH = 30, 2, 8
SECONDS, ROUNDS = 8.0, 1


def measure(stage: Stage) -> list[Result]:
    teams = stage.others[:TEAMS]
    for team in teams:
        prepare(stage, team, JOBS * EACH)
    visitor = owner(stage, *teams)
    lots = selections(visitor, EACH, JOBS)
    busy: list[float] = []
    stage.sandbox.settings(latency_ms=100, action_seconds=0)
    found = in_turns(
        "workers",
        {str(number): lambda turn, number=number: _rate(stage, visitor, lots, number, busy) for number in (1, 2, 4)},
        ROUNDS,
    )
    return [
        compared("Two workers, vs. one: droplets a second", found["2"], found["1"], least=1.7, unit=per_second),
        compared("Four workers, vs. two: droplets a second", found["4"], found["2"], least=1.7, unit=per_second),
        compared("... sandbox's processor time, vs. the time", busy, [SECONDS] * len(busy), most=0.2),
    ]


def _rate(stage: Stage, visitor: Visitor, lots: list[list[str]], number: int, busy: list[float]) -> float:
    """Droplets a second."""
    with running(stage, number, concurrency=1):
        jobs = [start_job(visitor, droplets, at_once=1) for droplets in lots]
        wait_until(lambda: _done(jobs) > 3 * number, seconds=60)
        before, start, used = _done(jobs), perf_counter(), processor_time(stage.sandbox.pid)
        sleep(SECONDS)
        rate = (_done(jobs) - before) / (perf_counter() - start)
        busy.append(processor_time(stage.sandbox.pid) - used)
        for job in jobs:
            visitor.client.post(f"/jobs/{job.pk}/cancel/")
        wait_until(lambda: not Job.objects.filter(state=Job.State.RUNNING).exists(), seconds=60)
    return rate


def _done(jobs: list[Job]) -> int:
    return JobStep.objects.filter(team__job__in=jobs, state=JobStep.State.DONE).count()
