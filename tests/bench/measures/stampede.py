"""200 browsers of one person open a fleet that nothing is cached of, all at the same moment.

Three gunicorn processes serve them, once with Redis and once without, where each process caches for itself; every
round has a new person with three teams of 1,000 droplets, and DigitalOcean takes 100 ms for every call. How often the
fleet was read is told by the sandbox's counter of calls: so many make one reading. Every page has to be whole.
"""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Barrier

from tests.bench.browser import Browser
from tests.bench.results import Result, seconds
from tests.bench.rounds import ROUNDS, rounds
from tests.bench.server import redis
from tests.bench.stage import Stage

SESSIONS, PROCESSES = 200, 3
WITH, WITHOUT = "with Redis", "without Redis"


def measure(stage: Stage) -> list[Result]:
    crowds = [(visitor, visitor.sessions(SESSIONS)) for visitor in stage.visitors(ROUNDS, *stage.three)]
    sessions = [each for _, each in crowds]
    program = shutil.which("redis-server")
    found = []
    if program:
        with redis(stage.directory, program) as url:
            found.append(_stampedes(stage, sessions, url))
    else:
        found.append(Result(_what(WITH), "1", "there is no redis-server here"))
    found.append(_stampedes(stage, sessions, ""))
    return found


def _what(how: str) -> str:
    return f"Readings upstream, {SESSIONS} browsers on a cold fleet, {PROCESSES} processes {how}"


def _stampedes(stage: Stage, crowds: list[list[str]], redis_url: str) -> Result:
    """Each crowd's reading is its first with these processes, whatever others have made of it."""
    how, most = (WITH, 1) if redis_url else (WITHOUT, PROCESSES)
    readings, slowest = [], []
    with (
        stage.server(processes=PROCESSES, redis_url=redis_url) as port,
        ThreadPoolExecutor(SESSIONS) as pool,
        stage.latency(),
    ):
        for turn in rounds(f"stampedes {how}"):
            before = stage.sandbox.counters().total
            slowest.append(_stampede(stage, port, pool, crowds[turn]))
            readings.append((stage.sandbox.counters().total - before) / stage.calls(*stage.three))
    return Result(
        what=_what(how),
        bound=f"1 to {most}" if most > 1 else "1",
        found=f"{max(readings):g}",
        spread=f"{min(readings):g}–{max(readings):g}",
        held=min(readings) >= 1 and max(readings) <= most,
        basis=f"all {SESSIONS} whole after {seconds(max(slowest))} at the latest, {len(readings)} rounds",
    )


def _stampede(stage: Stage, port: int, pool: ThreadPoolExecutor, sessions: list[str]) -> float:
    """All at once; the seconds that the slowest waited."""
    start = Barrier(len(sessions))

    def come(browser: Browser) -> float:
        start.wait(60)
        return stage.whole(browser.get(), stage.three)

    with ExitStack() as stack:
        browsers = [stack.enter_context(Browser(port, session)) for session in sessions]
        return max(pool.map(come, browsers))
