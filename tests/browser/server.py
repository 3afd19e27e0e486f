"""Conveyor as a host runs it: migrate, collectstatic, gunicorn; DEBUG off, static files collected, the real CSP."""

from __future__ import annotations

import os
import subprocess
import urllib.request
from pathlib import Path
from urllib.error import URLError

from tests.browser.database import Database, PostgreSQL, of_this_run
from tests.support.caches import cached, forget
from tests.support.programs import GUNICORN, MANAGE, PROJECT, environment, free_port, run
from tests.support.sandbox import Sandbox
from tests.support.waiting import wait_until


class Conveyor:
    """A running Conveyor that takes `sandbox` for DigitalOcean. `more` is set in its environment too."""

    def __init__(self, directory: Path, sandbox: Sandbox, **more: str) -> None:
        self.database: Database = of_this_run(directory)
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"  # passkeys need a host name
        self._log = directory / "gunicorn.log"
        self._redis = os.environ.get("REDIS_URL", "")
        self._environment = {
            "SECRET_KEY": os.environ["SECRET_KEY"],
            "TOKEN_KEYS": os.environ["TOKEN_KEYS"],
            "DIGITAL_OCEAN_CLIENT_ID": sandbox.client_id,
            "DIGITAL_OCEAN_CLIENT_SECRET": sandbox.client_secret,
            "DIGITAL_OCEAN_OAUTH_URL": sandbox.oauth_url,
            "DIGITAL_OCEAN_API_URL": sandbox.api_url,
            "DATABASE_URL": self.database.url,
            "REDIS_URL": self._redis,
            "CACHE_PREFIX": f"{os.environ['CACHE_PREFIX']}-{directory.name}",
            "STATIC_ROOT": str(directory / "static"),
            "BASE_URL": self.url,
            "PORT": str(self.port),
            "WEB_CONCURRENCY": "4" if isinstance(self.database, PostgreSQL) else "2",
            **more,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def set_up(self) -> None:
        """What a host does before the first start."""
        self.manage("migrate", "--verbosity", "0")
        self.manage("collectstatic", "--no-input", "--verbosity", "0")

    def manage(self, *command: str, **more: str) -> str:
        """Run manage.py with the same environment. Returns what it prints."""
        done = run([*MANAGE, *command], {**self._environment, **more})
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self) -> None:
        """Start gunicorn, and wait until it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                GUNICORN,
                cwd=PROJECT,
                env=environment(self._environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        wait_until(self._answers, seconds=60)

    def _answers(self) -> bool:
        assert self._process
        assert self._process.poll() is None, self.log
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5):
                return True
        except URLError:
            return False

    def stop(self) -> None:
        """End it as a host does. Doing so twice is fine."""
        if self._process:
            self._process.terminate()
            assert self._process.wait(timeout=60) == 0
            self._process = None

    def restart(self) -> None:
        """Stop and start; what was only cached is forgotten."""
        self.stop()
        if self._redis:
            forget(self._redis, self._environment["CACHE_PREFIX"])
        self.start()

    def make_staff(self, email: str, password: str) -> None:
        """The first staff user, as the README says."""
        self.manage("createsuperuser", "--no-input", "--email", email, DJANGO_SUPERUSER_PASSWORD=password)

    @property
    def cached(self) -> list[str]:
        """Everything that it keeps in Redis; what a process caches for itself cannot be seen from outside."""
        return cached(self._redis, self._environment["CACHE_PREFIX"]) if self._redis else []

    @property
    def log(self) -> str:
        """Everything that gunicorn and Conveyor have logged."""
        return self._log.read_text()
