"""A job of 200 reboots in three teams; DigitalOcean takes 100 ms for each call, and 1.5 seconds for a reboot.

One worker with four processes and a scheduler do it, with the choices that the form of a job has at first: five
droplets at a time in each team. From the confirmation until the job has ended it is compared with a loop as a careful
person would write it: 8 threads, each reads a droplet, reboots it, and asks every two seconds whether that has ended;
all of them keep within DigitalOcean's limits. The sandbox enforces these. Both wait for DigitalOcean for most of the
time: the processor time of the sandbox is measured too.
"""

from __future__ import annotations

from droplets.models import JobStep
from tests.bench import bare_job
from tests.bench.results import Result, compared
from tests.bench.rounds import in_turns
from tests.bench.stage import Incomplete, Stage
from tests.bench.workers import owner, prepare, processor_time, running, seconds_of, selections, start_job

DROPLETS, AT_ONCE = 200, 5
ACTION_SECONDS = 1  # of a power cycle; a reboot takes one and a half times as long


def measure(stage: Stage) -> list[Result]:
    each = -(-DROPLETS // len(stage.three))
    for team in stage.three:
        prepare(stage, team, each)
    visitor = owner(stage, *stage.three)
    [droplets] = selections(visitor, each)
    droplets = droplets[:DROPLETS]
    tokens = {
        str(visitor.person.connection(team).pk): stage.sandbox.connect(team=team, scope="read write")["access_token"]
        for team in stage.three
    }
    teams = [
        (str(token), [int(key.partition(":")[2]) for key in droplets if key.startswith(pk)])
        for pk, token in tokens.items()
    ]
    busy: list[float] = []

    def job(turn: int) -> float:
        before = processor_time(stage.sandbox.pid)
        seconds = seconds_of(start_job(visitor, droplets, at_once=AT_ONCE))
        busy.append(processor_time(stage.sandbox.pid) - before)
        done = JobStep.objects.filter(team__job__user=visitor.person.user, state=JobStep.State.DONE).count()
        return _checked(seconds, done)

    stage.sandbox.settings(latency_ms=100, action_seconds=ACTION_SECONDS, burst_limit=250, hourly_limit=5000)
    with running(stage, 1, concurrency=4):
        found = in_turns(
            "a job and a loop",
            {"job": job, "bare": lambda turn: _checked(*bare_job.measured(stage.sandbox.url, teams))},
            1,
        )
    return [
        compared(f"Job of {DROPLETS} reboots, vs. a loop of 8 threads", found["job"], found["bare"], most=1.2),
        compared("... sandbox's processor time, vs. that job's time", busy, found["job"], most=0.2),
    ]


def _checked(seconds: float, reboots: int) -> float:
    if reboots != DROPLETS:
        raise Incomplete(f"{reboots} reboots instead of {DROPLETS}")
    return seconds
