"""Conveyor as many hosts run it: two web processes, two workers, a scheduler, and servers that can be killed."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

from tests.bench.server import Gunicorn
from tests.support.engine import Engine
from tests.support.postgres_server import PostgresServer
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_until

WEB_PROCESSES, THREADS = 2, 8
WORKERS, CONCURRENCY = 2, 2

RESTART_TAKES = 2.0
"""Seconds that PostgreSQL stays away: a small one would be back before anybody notices."""


class Host:
    """Everything but DigitalOcean. What is killed is started again, as a service manager does."""

    def __init__(self, directory: Path, postgres: PostgresServer, redis: RedisServer) -> None:
        """Returns once the web answers. The processes use the database and the keys of this process."""
        self._directory = directory
        self.postgres, self.redis = postgres, redis
        self._workers: list[Engine] = []
        self._started = 0
        self.web = Gunicorn(directory, processes=WEB_PROCESSES, redis_url=redis.url)
        try:
            for _ in range(WORKERS):
                self._start_worker()
            self._beat = self._engine("beat", log="beat")
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        for engine in [*self._workers, *([self._beat] if hasattr(self, "_beat") else [])]:
            engine.stop()
        self.web.stop()

    def processes(self) -> dict[int, str]:
        """What Conveyor's processes do now, by process id."""
        found = {self.web.process.pid: "gunicorn"}
        found |= dict.fromkeys(children(self.web.process.pid), "web")
        for engine in list(self._workers):
            found[engine.process.pid] = "worker"
            found |= dict.fromkeys(children(engine.process.pid), "worker's child")
        found[self._beat.process.pid] = "scheduler"
        return found

    def kill_web(self) -> None:
        """Kill one of gunicorn's processes; gunicorn starts another. Returns once it has."""
        before = children(self.web.process.pid)
        os.kill(random.choice(before), signal.SIGKILL)
        wait_until(lambda: len(set(children(self.web.process.pid)) - set(before)) > 0, seconds=30)

    def kill_worker(self) -> None:
        """Kill a worker with its children, and start another."""
        self._workers.pop(0).kill()
        self._start_worker()

    def restart_postgres(self) -> None:
        self.postgres.stop()
        time.sleep(RESTART_TAKES)
        self.postgres.start()

    def _start_worker(self) -> None:
        self._started += 1
        name = f"worker-{self._started}"
        # A name of its own: two workers on one machine would have the same.
        options = ("--concurrency", str(CONCURRENCY), "--hostname", f"{name}@%h")
        self._workers.append(self._engine("worker", *options, log=name))

    def _engine(self, command: str, *options: str, log: str) -> Engine:
        log_file = self._directory / f"{log}.log"
        return Engine(command, *options, log=log_file, environment={"PGAPPNAME": "conveyor"})


def children(pid: int) -> list[int]:
    """The process ids of a process's children. Empty where it is gone."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def resident(pid: int) -> int:
    """Bytes of memory that a process occupies (RSS), 0 where it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0
