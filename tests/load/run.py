"""One run: a quiet part without disturbances, then the part with them, then what is held against the bounds."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

import psycopg
from django.db import connections as database_connections
from tqdm import tqdm

from tests.bench.browser import Browser
from tests.bench.report import table
from tests.load import people, report, verdicts
from tests.load.disturbances import Window, disturb
from tests.load.host import Host, resident
from tests.load.observed import OWN_NAME, Memory, Observed
from tests.load.person import THINKING, Someone
from tests.support.postgres_server import PostgresServer
from tests.support.redis_server import RedisServer
from tests.support.sandbox import Sandbox

TOKEN_LIFETIME = 20
"""Seconds that an access token works during a run."""

QUIET_SHARE = 0.25
"""The quiet part lasts that share of the other one, and comes before it."""

SAMPLE = 2.0
"""Seconds between two samples of memory and database connections."""


@dataclass
class Run:
    """What is known of a run when it is over. Times are of `time.time`."""

    minutes: float
    people: int
    connections: int
    began_at: float
    disturbed_at: float
    ended_at: float
    windows: list[Window]
    observed: Observed
    load: float
    generations: dict[str, int] = field(default_factory=dict)
    """The generation of each connection's pair before the run, by primary key."""

    @property
    def quiet(self) -> tuple[float, float]:
        """The quiet part, without its first pages: they read every team for the first time."""
        return self.began_at + min(THINKING * 1.5, (self.disturbed_at - self.began_at) / 2), self.disturbed_at


def run(
    directory: Path, sandbox: Sandbox, postgres: PostgresServer, redis: RedisServer, *, minutes: float, number: int
) -> int:
    """Returns the exit code: 1 if a bound is missed. Writes docs/load.md after a run of ten minutes or more."""
    load = os.getloadavg()[0]
    sandbox.settings(burst_limit=0, hourly_limit=1_000_000)
    visitors = people.make(sandbox, number)
    sandbox.settings(token_lifetime=TOKEN_LIFETIME)
    sandbox.expire()
    sandbox.reset_counters()
    host = Host(directory, postgres, redis)
    try:
        found = Run(minutes, number, 0, 0.0, 0.0, 0.0, [], Observed(), load, verdicts.generations())
        found.connections = len(found.generations)
        some = [
            Someone(Browser(host.web.port, visitor.session), found.observed, acts=people.acts(at))
            for at, visitor in enumerate(visitors)
        ]
        database_connections.close_all()  # this process's own would be cut with all others
        _go(found, host, sandbox, some)
        found.observed.keep(directory)
        results = verdicts.of(found, sandbox, host)
    finally:
        host.stop()
    print(table(results))
    print(report.pages(found))
    for error in found.observed.errors:
        print(error, file=sys.stderr)
    if minutes >= report.LEAST_MINUTES:
        print(f"\nWritten to {report.write(found, results)}.")
    return 1 if found.observed.errors or any(result.met is False for result in results) else 0


def _go(found: Run, host: Host, sandbox: Sandbox, some: list[Someone]) -> None:
    stop = Event()
    threads = [Thread(target=_noted, args=(found, each.live, stop), daemon=True) for each in some]
    threads.append(Thread(target=_noted, args=(found, _sample, found, host, stop), daemon=True))
    found.began_at = time.time()
    for thread in threads:
        thread.start()
    try:
        quiet, disturbed = found.minutes * 60 * QUIET_SHARE, found.minutes * 60
        _pause("quiet", quiet, stop)
        found.disturbed_at = time.time()
        for window in disturb(host, sandbox, ends_at=found.disturbed_at + disturbed, stop=stop):
            found.windows.append(window)
            print(f"{time.time() - found.began_at:5.0f} s  {window.kind.name}", file=sys.stderr)
        _pause("the last calm", found.disturbed_at + disturbed - time.time(), stop)
        found.ended_at = time.time()
    finally:
        stop.set()
        for thread in threads:
            thread.join(90)


def _pause(what: str, seconds: float, stop: Event) -> None:
    for _ in tqdm(range(max(0, int(seconds))), desc=what, leave=False, disable=None, file=sys.stderr):
        stop.wait(1)


def _noted(found: Run, do: object, *given: object) -> None:
    """Call it; an error in a thread of the run fails the run instead of ending the thread unseen."""
    try:
        do(*given)  # type: ignore[operator]  # a thread's target
    except Exception as error:
        found.observed.failed(f"the run itself failed: {type(error).__name__}: {error}")
        raise


def _sample(found: Run, host: Host, stop: Event) -> None:
    """Every two seconds: the memory of each process, and how many connections PostgreSQL has."""
    while not stop.wait(SAMPLE):
        at = time.time()
        found.observed.memory += [Memory(pid, role, at, resident(pid)) for pid, role in host.processes().items()]
        try:
            with psycopg.connect(host.postgres.url(), connect_timeout=2) as connection:
                found.observed.database.append(_connections(connection))
        except psycopg.OperationalError:
            pass  # it restarts just now


def _connections(connection: psycopg.Connection) -> int:
    """How many connections Conveyor's programs have: without this process's own."""
    row = connection.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND application_name <> %s",
        [OWN_NAME],
    ).fetchone()
    assert row
    return int(row[0])
