"""A backup of the test's database, and a database of its own that it is restored into, as on another host."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
from django.conf import settings
from django.db import connection
from psycopg import sql

from tests.support.processes import database_url
from tests.support.programs import MANAGE, PROJECT


class Restored:
    """A host with the restored database. `mail` is where its emails are written to."""

    def __init__(self, url: str, directory: Path) -> None:
        self.mail = directory / "mail"
        self.mail.mkdir()
        self._given = {
            "DATABASE_URL": url,
            "DIGITAL_OCEAN_OAUTH_URL": settings.DIGITAL_OCEAN_OAUTH_URL,
            "DIGITAL_OCEAN_API_URL": settings.DIGITAL_OCEAN_API_URL,
            "EMAIL_URL": f"filemail:///{self.mail}",
            "SPILL_DIR": str(directory / "spill"),
            "QUEUE_DIR": str(directory / "queue"),
            "CACHE_PREFIX": uuid4().hex,
        }

    def manage(self, *command: str, answer: str | None = None, **given: str) -> subprocess.CompletedProcess[str]:
        """Run manage.py there; `given` are variables that differ."""
        return subprocess.run(
            [*MANAGE, *command],
            cwd=PROJECT,
            env=os.environ | self._given | given,
            input=answer or "",
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def ask(self, expression: str) -> str:
        """What this Python expression prints there, with all models imported."""
        done = self.manage("shell", "-v", "0", "-c", f"print({expression})")
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def emails(self) -> list[str]:
        return [path.read_text() for path in sorted(self.mail.iterdir())]


@contextmanager
def restored(backup: Path, directory: Path) -> Iterator[Restored]:
    """The commands of docs/backups.md, on a database that did not exist before."""
    if connection.vendor == "sqlite":
        copy = directory / "restored.sqlite3"
        shutil.copy(backup, copy)
        yield Restored(f"sqlite:///{copy}", directory)
        return
    name = f"restored_{uuid4().hex}"
    parts = urlsplit(database_url())
    with psycopg.connect(database_url(), autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    url = urlunsplit(parts._replace(path=f"/{name}"))
    try:
        command = ["pg_restore", "--exit-on-error", "--no-owner", "--no-privileges", f"--dbname={url}", str(backup)]
        subprocess.run(command, check=True, capture_output=True)
        yield Restored(url, directory)
    finally:
        with psycopg.connect(database_url(), autocommit=True) as server:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
