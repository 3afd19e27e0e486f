"""A copy of the database in one file, made while Conveyor runs.

SQLite: its online backup, which no writer has to wait for. PostgreSQL: pg_dump in its custom format, for pg_restore.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
from contextlib import closing, suppress
from pathlib import Path

from django.db import connection
from django.utils import timezone

_PREFIX = "conveyor-"


class BackupFailed(Exception):
    """The backup could not be made; its text says why, and holds no password. No part of a file is left."""


def make(directory: Path) -> Path:
    """Write a backup into `directory`, readable by its owner alone, and return its path.

    It appears under its name when it is whole and on the disk. Raises BackupFailed.
    """
    make_copy, ending = (_sqlite, ".sqlite3") if connection.vendor == "sqlite" else (_postgresql, ".dump")
    path = directory / f"{_PREFIX}{timezone.now():%Y%m%dT%H%M%S.%fZ}{ending}"
    part = path.with_name(f".{path.name}.part")
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        make_copy(part)
        _to_disk(part)
        part.rename(path)
        _to_disk(directory)
    except OSError as error:
        raise BackupFailed(f"{directory}: {error.strerror or type(error).__name__}") from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return path


def delete_old(directory: Path, keep: int) -> list[Path]:
    """Delete all backups in `directory` but the `keep` newest; returns what was deleted."""
    found = sorted(path for ending in ("sqlite3", "dump") for path in directory.glob(f"{_PREFIX}*Z.{ending}"))
    found.sort(key=lambda path: path.name)
    deleted = found[:-keep]
    for path in deleted:
        path.unlink()
    return deleted


def _sqlite(part: Path) -> None:
    connection.ensure_connection()
    try:
        with closing(sqlite3.connect(part)) as copy:
            connection.connection.backup(copy)
            # In one file, without a log beside it: what is copied elsewhere is whole.
            copy.execute("PRAGMA journal_mode=DELETE")
            [verdict] = copy.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        raise BackupFailed(f"SQLite: {error}") from None
    if verdict != "ok":
        raise BackupFailed(f"SQLite: the database is damaged: {verdict}")


def _postgresql(part: Path) -> None:
    made = connection.settings_dict
    given = {
        "PGHOST": made["HOST"],
        "PGPORT": made["PORT"],
        "PGUSER": made["USER"],
        "PGPASSWORD": made["PASSWORD"],  # not in the command line, which every user of the host can read
        "PGDATABASE": made["NAME"],
        "PGSSLMODE": made["OPTIONS"].get("sslmode", ""),
        "PGSSLROOTCERT": made["OPTIONS"].get("sslrootcert", ""),
    }
    environment = os.environ | {name: str(value) for name, value in given.items() if value}
    command = ["pg_dump", "--format=custom", "--no-owner", "--no-privileges", "--no-password", f"--file={part}"]
    try:
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False)  # noqa: S603  # fixed words and a path of ours
    except FileNotFoundError:
        raise BackupFailed("pg_dump is not installed (Debian: postgresql-client)") from None
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or [f"exit code {done.returncode}"]
        raise BackupFailed(lines[-1])


def _to_disk(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
