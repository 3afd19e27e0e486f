"""200 browsers of one user open a fleet that is not in the cache, all at the same moment.

Three gunicorn processes serve them, once with Redis and once without, where each process has its own cache. Each round
has a new user with three teams of 1,000 droplets; DigitalOcean takes 100 ms for each call. The sandbox counts the
calls, which shows how often the fleet was read. Each page must show all droplets.
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
        found.append(Result(_what(WITH), "1", "redis-server is not installed"))
    found.append(_stampedes(stage, sessions, ""))
    return found


def _what(how: str) -> str:
    return f"Reads of DigitalOcean, {SESSIONS} browsers, empty cache, {PROCESSES} processes {how}"


def _stampedes(stage: Stage, crowds: list[list[str]], redis_url: str) -> Result:
    """Each crowd is new to these processes, so its first read is counted."""
    how, most = (WITH, 1) if redis_url else (WITHOUT, PROCESSES)
    reads, slowest = [], []
    with (
        stage.server(processes=PROCESSES, redis_url=redis_url) as port,
        ThreadPoolExecutor(SESSIONS) as pool,
        stage.latency(),
    ):
        for turn in rounds(f"stampedes {how}"):
            before = stage.sandbox.counters().total
            slowest.append(_stampede(stage, port, pool, crowds[turn]))
            reads.append((stage.sandbox.counters().total - before) / stage.calls(*stage.three))
    return Result(
        what=_what(how),
        bound=f"1 to {most}" if most > 1 else "1",
        found=f"{max(reads):g}",
        spread=f"{min(reads):g}–{max(reads):g}",
        met=min(reads) >= 1 and max(reads) <= most,
        basis=f"all {SESSIONS} complete after at most {seconds(max(slowest))}, {len(reads)} rounds",
    )


def _stampede(stage: Stage, port: int, pool: ThreadPoolExecutor, sessions: list[str]) -> float:
    """All at the same moment. Returns the seconds of the slowest."""
    start = Barrier(len(sessions))

    def open_page(browser: Browser) -> float:
        start.wait(60)
        return stage.checked(browser.get(), stage.three)

    with ExitStack() as stack:
        browsers = [stack.enter_context(Browser(port, session)) for session in sessions]
        return max(pool.map(open_page, browsers))
