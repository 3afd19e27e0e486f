"""gunicorn with the project's own configuration, as a host starts it."""

from __future__ import annotations

import os
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

from tests.support.programs import GUNICORN, PROJECT, environment, free_port
from tests.support.waiting import wait_until

_SHARED = (
    "SECRET_KEY",
    "TOKEN_KEYS",
    "DIGITAL_OCEAN_CLIENT_ID",
    "DIGITAL_OCEAN_CLIENT_SECRET",
    "DIGITAL_OCEAN_OAUTH_URL",
    "DIGITAL_OCEAN_API_URL",
    "DATABASE_URL",
    "STATIC_ROOT",
    "CACHE_PREFIX",
    "SPILL_DIR",
    "QUEUE_DIR",
)


class Gunicorn:
    """A running Conveyor with this process's database and keys. `stop` ends it."""

    def __init__(
        self, directory: Path, *, processes: int = 1, redis_url: str = "", settings: str = "conveyor.settings"
    ) -> None:
        """Returns once it answers."""
        self.port = free_port()
        given = {name: os.environ[name] for name in _SHARED} | {
            "PORT": str(self.port),
            "WEB_CONCURRENCY": str(processes),
            "REDIS_URL": redis_url,
            "DJANGO_SETTINGS_MODULE": settings,
        }
        self.log = directory / f"gunicorn-{self.port}.log"
        with self.log.open("wb") as sink:
            self.process = subprocess.Popen(
                GUNICORN,
                cwd=PROJECT,
                env=environment(given),
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
            )
        try:
            wait_until(self._answers, seconds=60)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=60)

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5):
                return True
        except URLError:
            return False


@contextmanager
def gunicorn(
    directory: Path, *, processes: int = 1, redis_url: str = "", settings: str = "conveyor.settings"
) -> Iterator[int]:
    """Runs Conveyor until the block ends. Yields its port."""
    server = Gunicorn(directory, processes=processes, redis_url=redis_url, settings=settings)
    try:
        yield server.port
    finally:
        server.stop()


@contextmanager
def redis(directory: Path, program: str) -> Iterator[str]:
    """Runs a Redis that saves nothing to disk until the block ends. Yields its URL."""
    port = free_port()
    command = [program, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(directory)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(timeout=60)
