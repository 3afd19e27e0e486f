"""A PostgreSQL of a test's own, which may stop, move and start again."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import psycopg
import pytest

from tests.support.waiting import wait_until


def binaries() -> Path | None:
    """Where PostgreSQL's server is installed, None where it is not."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("pg_ctl")
    return Path(on_path).resolve().parent if on_path else None


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class PostgresServer:
    """Listens on loopback alone, trusts everybody there, and does not fsync: its data is a test's."""

    def __init__(self, *, settings: str = "") -> None:
        """Skips the test where PostgreSQL's server is not installed. `settings` are lines of postgresql.conf."""
        found = binaries()
        if found is None:
            pytest.skip("PostgreSQL's server is not installed")
        self._binaries: Path = found
        # Not in pytest's own directory: PostgreSQL does not run as root, and only root may enter that one.
        self._directory = Path(tempfile.mkdtemp(prefix="conveyor-postgres-"))
        self._data = self._directory / "data"
        self.address, self.port = "127.0.0.1", free_port()
        if os.getuid() == 0:
            shutil.chown(self._directory, "postgres")
        self._run("initdb", "-D", str(self._data), "-U", "postgres", "-A", "trust", "-N")
        with (self._data / "postgresql.conf").open("a") as file:
            file.write(f"\nunix_socket_directories = ''\nfsync = off\n{settings}\n")
        self.start()

    def url(self, database: str = "postgres", addresses: str = "") -> str:
        """`addresses` are others to try, with commas between, where the server may move."""
        return f"postgres://postgres@{addresses or self.address}:{self.port}/{database}"

    def start(self, address: str = "") -> None:
        """Start it, on another address where one is given; returns once it answers."""
        self.address = address or self.address
        log = str(self._data.parent / "log")
        self._run("pg_ctl", "-D", str(self._data), "-o", f"-p {self.port} -h {self.address}", "-l", log, "-w", "start")
        wait_until(self._answers)

    def stop(self) -> None:
        """Stop it at once: open connections are cut."""
        self._run("pg_ctl", "-D", str(self._data), "-m", "fast", "-w", "stop")

    def close(self) -> None:
        """Stop it if it runs, and remove its data."""
        if self._answers():
            self._run("pg_ctl", "-D", str(self._data), "-m", "immediate", "-w", "stop")
        shutil.rmtree(self._directory)

    def execute(self, statement: str, database: str = "postgres") -> None:
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._binaries / program), *arguments]
        if os.getuid() == 0:
            command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False, cwd="/"
        )
        assert done.returncode == 0, done.stderr.decode()
