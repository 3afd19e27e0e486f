"""Background work in tests: in the test's own process, or by real Celery workers and schedulers."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from django.conf import settings

from common.tasks import QUEUES
from conveyor.celery import app
from tests.support.processes import PROJECT, database_url


def run_tasks(*, delayed: bool = False) -> list[str]:
    """Do the work whose messages wait at the broker, and what that causes. Returns the names of the tasks, in order.

    Messages with a countdown are dropped, as if the worker died while it waited, unless `delayed`: then they are worked
    on at once.
    """
    done = []
    with app.connection_for_read() as connection:
        queues: list[Any] = [connection.SimpleQueue(name) for name in QUEUES]
        while message := next(_messages(queues), None):
            if message.headers.get("eta") and not delayed:
                continue
            args, kwargs, _ = message.decode()
            done.append(message.headers["task"])
            app.tasks[message.headers["task"]](*args, **kwargs)
    return done


def _messages(queues: list[Any]) -> Iterator[Any]:
    for queue in queues:
        try:
            message = queue.get_nowait()
        except queue.Empty:
            continue
        message.ack()
        yield message


class Engine:
    """A `celery worker` or `celery beat` on the test's database, broker and sandbox."""

    def __init__(self, command: str, *options: str, log: Path, environment: dict[str, str] | None = None) -> None:
        self.log = log
        self._log: IO[bytes] = log.open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "celery", "--quiet", "-A", "conveyor", command, *options],
            cwd=PROJECT,
            env=os.environ
            | {
                "DATABASE_URL": database_url(),
                "DIGITAL_OCEAN_OAUTH_URL": settings.DIGITAL_OCEAN_OAUTH_URL,
                "DIGITAL_OCEAN_API_URL": settings.DIGITAL_OCEAN_API_URL,
                "EMAIL_URL": "dummymail://",
            }
            | (environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )

    @property
    def output(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def kill(self) -> None:
        """End it as a power cut would: the worker's child processes too."""
        subprocess.run(["pkill", "-KILL", "-P", str(self.process.pid)], check=False)
        self.process.kill()
        self.process.wait(30)

    def stop(self) -> int:
        """Ask it to end, as a service manager does; returns its exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            code = self.process.wait(60)
        finally:
            self._log.close()
        return code


@contextmanager
def engine(command: str, *options: str, log: Path, environment: dict[str, str] | None = None) -> Iterator[Engine]:
    """A running worker (`engine("worker", "--concurrency", "2", log=...)`) or scheduler, which ends with the block."""
    running = Engine(command, *options, log=log, environment=environment)
    try:
        yield running
    finally:
        running.stop()
