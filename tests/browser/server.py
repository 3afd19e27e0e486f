"""Conveyor as a host runs it: migrate, collectstatic, gunicorn; DEBUG off, static files collected, the real CSP."""

from __future__ import annotations

import os
import subprocess
import urllib.request
from pathlib import Path
from urllib.error import URLError

import requests
from redis import Redis

from tests.browser.database import Database, PostgreSQL, of_this_run
from tests.support.caches import cached, forget
from tests.support.programs import GUNICORN, MANAGE, PROJECT, environment, free_port, run
from tests.support.sandbox import Sandbox
from tests.support.sentry import SentryServer
from tests.support.waiting import wait_until

_PLANT = {
    "database": "from accounts.models import Event; (lambda text: Event.objects.create(kind='planted', detail=text))",
    "session": "from django.contrib.sessions.backends.db import SessionStore as S; "
    "(lambda text: [s.__setitem__('planted', text) or s.save() for s in [S()]])",
}


def _texts(*files: Path) -> list[str]:
    return [file.read_bytes().decode("latin-1") for file in files if file.is_file()]


class Conveyor:
    """A running Conveyor that takes `sandbox` for DigitalOcean."""

    def __init__(self, directory: Path, sandbox: Sandbox) -> None:
        self.database: Database = of_this_run(directory)
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"  # passkeys need a host name
        self._log = directory / "gunicorn.log"
        self._cache_record = directory / "cache"
        self.emails_directory = directory / "emails"
        self.spill_directory = directory / "spill"
        for each in (self.emails_directory, self.spill_directory):
            each.mkdir()
        self.sentry = SentryServer()
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
            "CACHE_PREFIX": f"{os.environ['CACHE_PREFIX']}-browser",
            "DJANGO_SETTINGS_MODULE": "tests.browser.settings",
            "RECORDED_CACHE": str(self._cache_record),
            "EMAIL_URL": f"filemail:///{self.emails_directory}",
            "SENTRY_DSN": self.sentry.dsn,
            "SPILL_DIR": str(self.spill_directory),
            "STATIC_ROOT": str(directory / "static"),
            "BASE_URL": self.url,
            "PORT": str(self.port),
            "WEB_CONCURRENCY": "4" if isinstance(self.database, PostgreSQL) else "2",
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
        """Everything that it keeps in Redis; without Redis, everything that it has ever cached."""
        if self._redis:
            return cached(self._redis, self._environment["CACHE_PREFIX"])
        return _texts(self._cache_record)

    @property
    def emails(self) -> list[str]:
        """Every email that it has sent."""
        return _texts(*self.emails_directory.glob("*"))

    @property
    def spilled(self) -> list[str]:
        """What is in its directory of spill files."""
        return _texts(*self.spill_directory.glob("*"))

    def plant(self, place: str, secret: str) -> None:
        """Write a secret to a place of this name, as a mistake in Conveyor would."""
        if place == "log":
            with self._log.open("a") as log:
                log.write(secret)
        elif place == "cache" and self._redis:
            with Redis.from_url(self._redis) as redis:
                redis.set(f"{self._environment['CACHE_PREFIX']}:1:{secret}", 1)
        elif place == "report to Sentry":
            requests.post(self.sentry.dsn.replace("key@", ""), data=secret, timeout=10)
        elif place in ("database", "session"):
            self.manage("shell", "--verbosity", "0", "-c", f"{_PLANT[place]}({secret!r})")
        else:
            path = {"cache": self._cache_record, "email": self.emails_directory, "spill file": self.spill_directory}[
                place
            ]
            path = path / "planted" if path.is_dir() else path
            with path.open("a") as file:
                file.write(secret)

    @property
    def log(self) -> str:
        """Everything that gunicorn and Conveyor have logged."""
        return self._log.read_text()
