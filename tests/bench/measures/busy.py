"""A job of 500 reboots in three teams while somebody else uses Conveyor; DigitalOcean takes 100 ms for each call.

A browser opens the fleet of three teams of 1,000 droplets, the jobs, and the time line in turns, five pages a second,
before the job, during it, and after it. Web processes and workers share two processors, PostgreSQL and Redis.

The job is compared with the time in which DigitalOcean's limits allow its calls: each droplet is read and rebooted,
and a token may make 250 calls a minute. The memory of the worker (three processes, what they share counted once) is
that of the last quarter of the job, compared with the first quarter.
"""

from __future__ import annotations

from contextlib import ExitStack
from statistics import median, quantiles
from threading import Event, Thread
from time import monotonic, sleep

from django.conf import settings

from tests.bench.bare_job import BURST, MINUTE
from tests.bench.browser import Browser
from tests.bench.results import Result, compared
from tests.bench.rounds import rounds
from tests.bench.stage import Stage
from tests.bench.workers import memory, owner, prepare, running, seconds_of, selections, start_job
from tests.support import engine

DROPLETS, AT_ONCE = 500, 20
QUIET, PACE = 15.0, 0.2  # seconds
PATHS = ("/droplets/", "/jobs/", "/activity/")


class Visits:
    """A browser that opens a page every PACE seconds, in a thread, while the block runs. `seconds` of each page."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._ends = Event()
        self._thread = Thread(target=self._open)
        self.seconds: list[float] = []

    def __enter__(self) -> Visits:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ends.set()
        self._thread.join()

    def _open(self) -> None:
        at, number = monotonic(), 0
        while not self._ends.wait(max(at - monotonic(), 0)):
            self.seconds.append(self._browser.get(PATHS[number % len(PATHS)]).seconds)
            at, number = max(at + PACE, monotonic()), number + 1

    @property
    def p95(self) -> float:
        return quantiles(self.seconds, n=20)[-1]


def measure(stage: Stage) -> list[Result]:
    own, others = stage.others[:3], stage.three
    each = -(-DROPLETS // len(own))
    for team in own:
        prepare(stage, team, each)
    regular, visitor = stage.visitor(*others), owner(stage, *own)
    [droplets] = selections(visitor, each)
    stage.sandbox.settings(latency_ms=100, action_seconds=1, burst_limit=int(BURST), hourly_limit=5000)
    with ExitStack() as stack:
        port = stack.enter_context(stage.server(redis_url=settings.REDIS_URL))
        [worker] = stack.enter_context(running(stage, 1, concurrency=2))
        browser = stack.enter_context(Browser(port, regular.session))
        stage.checked(browser.get(), others)
        before = _quiet(browser)
        job = start_job(visitor, droplets[:DROPLETS], at_once=AT_ONCE)
        with Visits(browser) as busy, Memory(worker) as taken:
            seconds = seconds_of(job)
        after = _quiet(browser)
    quarter = max(len(taken.samples) // 4, 1)
    allowed = 2 * each / BURST * MINUTE
    return [
        compared(
            f"p95 of pages during a job of {DROPLETS}, vs. without",
            [busy.p95] * 2, [before, after], most=1.3,
        ),
        compared(f"Job of {DROPLETS} reboots, vs. what the limits allow", [seconds], [allowed], most=1),
        compared(
            "Memory of the worker at its end, vs. its beginning",
            [median(taken.samples[-quarter:])], [median(taken.samples[:quarter])], most=1.1, unit=_megabytes,
        ),
    ]  # fmt: skip


class Memory:
    """The memory of a worker, twice a second, while the block runs."""

    def __init__(self, worker: engine.Engine) -> None:
        self._worker = worker
        self._ends = Event()
        self._thread = Thread(target=self._look)
        self.samples: list[float] = []

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ends.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ends.wait(0.5):
            self.samples.append(memory(self._worker))


def _quiet(browser: Browser) -> float:
    with Visits(browser) as visits:
        for _ in rounds("pages without a job", int(QUIET)):
            sleep(1)
    return visits.p95


def _megabytes(value: float) -> str:
    return f"{value:.0f} MB"
