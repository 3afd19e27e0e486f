"""Starting `tests.support.worker` on the database that the running test uses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from django.conf import settings
from django.db import connection as database

from accounts.models import Connection

PROJECT = Path(__file__).resolve().parents[2]


class Worker:
    """One process. `order` tells it what to do, `answer` waits for what came of it."""

    def __init__(self, connection: Connection, *, kill: str = "") -> None:
        environment = os.environ | {
            "DATABASE_URL": database_url(),
            "DIGITAL_OCEAN_OAUTH_URL": settings.DIGITAL_OCEAN_OAUTH_URL,
            "DIGITAL_OCEAN_API_URL": settings.DIGITAL_OCEAN_API_URL,
            "DJANGO_SETTINGS_MODULE": "conveyor.settings",
            "EMAIL_URL": "dummymail://",
        }
        # A pipe that nobody reads would fill up, and stop the process.
        self._errors = TemporaryFile("w+")  # noqa: SIM115  # close() closes it
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.worker", str(connection.pk), "--kill", kill],
            cwd=PROJECT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        assert self._read() == "ready"

    def _read(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline().strip()
        if not line and (code := self._process.wait(timeout=30)) != -9:
            self._errors.seek(0)
            raise AssertionError(f"ended with {code}: {self._errors.read()}")
        return line

    def order(self, do: str, **more: Any) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"do": do, **more}) + "\n")
        self._process.stdin.flush()

    def answer(self) -> list[str]:
        line = self._read()
        assert line, "the process was killed"
        met: list[str] = json.loads(line)
        return met

    def was_killed(self) -> bool:
        """Waits for its end; whether that was SIGKILL."""
        code = self._process.wait(timeout=60)
        self.close()
        return code == -9

    def close(self) -> None:
        if self._process.poll() is None:
            assert self._process.stdin
            self._process.stdin.close()
            self._process.wait(timeout=30)
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            if stream:
                stream.close()


def database_url() -> str:
    name = database.settings_dict["NAME"]
    if database.vendor == "sqlite":
        return f"sqlite:///{name}"
    made = database.settings_dict
    password = f":{made['PASSWORD']}" if made["PASSWORD"] else ""
    return f"postgres://{made['USER']}{password}@{made['HOST']}:{made['PORT'] or 5432}/{name}"
