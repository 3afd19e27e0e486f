"""The database goes away while refreshes are under way: no connection is lost, no grant is left without an owner."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.support.postgres_server import PostgresServer
from tests.support.processes import PROJECT
from tests.support.sandbox import Sandbox
from tests.support.waiting import wait_until

CONNECTIONS = 12
ANSWER_TAKES = 2.0
"""Seconds that the token endpoint takes: time enough to stop the database while every refresh is under way."""


class RefreshWorker:
    """`tests.support.refresh_worker` on a database of the test's own."""

    def __init__(self, database: str, sandbox: Sandbox, spill: Path) -> None:
        self._log = (spill.parent / f"worker-{uuid4().hex}.log").open("w+")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.refresh_worker"],
            cwd=PROJECT,
            env=environment(database, sandbox, spill),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,  # a pipe that nobody reads would fill up
            text=True,
        )
        assert self._line() == "ready"

    def send(self, do: str, **more: Any) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"do": do, **more}) + "\n")
        self._process.stdin.flush()

    def answer(self) -> Any:
        return json.loads(self._line())

    def ask(self, do: str, **more: Any) -> Any:
        self.send(do, **more)
        return self.answer()

    def kill(self) -> None:
        self._process.kill()
        self.close()

    def close(self) -> None:
        if self._process.stdin and not self._process.stdin.closed:
            self._process.stdin.close()
        self._process.wait(timeout=60)
        assert self._process.stdout
        self._process.stdout.close()
        self._log.close()

    def _line(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline().strip()
        if not line:
            self._log.seek(0)
            raise AssertionError(f"the worker has ended: {self._log.read()[-3000:]}")
        return line


def environment(database: str, sandbox: Sandbox, spill: Path) -> dict[str, str]:
    return os.environ | {
        "DATABASE_URL": database,
        "DIGITAL_OCEAN_OAUTH_URL": sandbox.oauth_url,
        "DIGITAL_OCEAN_API_URL": sandbox.api_url,
        "DJANGO_SETTINGS_MODULE": "conveyor.settings",
        "EMAIL_URL": "dummymail://",
        "REDIS_URL": "",
        "SPILL_DIR": str(spill),
    }


class Setting:
    """A database, a sandbox with a grant for each connection, and a worker that has them stored."""

    def __init__(self, database: str, sandbox: Sandbox, directory: Path) -> None:
        self.database, self.sandbox, self.spill = database, sandbox, directory / "spill"
        self.workers: list[RefreshWorker] = []
        migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(migrate, cwd=PROJECT, env=self.environment(), check=True)
        pairs = [sandbox.connect(team="Acme Web") for _ in range(CONNECTIONS)]
        self.worker = self.start_worker()
        self.worker.ask("create", pairs=[[pair["access_token"], pair["refresh_token"]] for pair in pairs])

    def close(self) -> None:
        for worker in self.workers:
            worker.close()

    def environment(self) -> dict[str, str]:
        return environment(self.database, self.sandbox, self.spill)

    def start_worker(self) -> RefreshWorker:
        worker = RefreshWorker(self.database, self.sandbox, self.spill)
        self.workers.append(worker)
        return worker

    def begin_refreshes(self) -> None:
        """Returns once DigitalOcean has been asked for every pair; the answers come a moment later."""
        fault = self.sandbox.fault("delay", path="/v1/oauth/token", seconds=ANSWER_TAKES)
        self.worker.send("refresh")
        wait_until(lambda: self.sandbox.hits(fault) == CONNECTIONS)

    def waiting(self) -> int:
        """How many answers wait in files."""
        return len(list(self.spill.glob("*.spill"))) if self.spill.is_dir() else 0

    def assert_nothing_is_lost(self, worker: RefreshWorker) -> None:
        """Every connection has its new pair, DigitalOcean accepts it, and there is no other live grant."""
        wait_until(lambda: self.waiting() == 0, seconds=30)
        found = worker.ask("states")
        assert found == {"connections": [[2, "healthy"]] * CONNECTIONS, "revocations": 0}
        self.sandbox.clear_faults()
        assert worker.ask("refresh") == CONNECTIONS
        assert len(self.sandbox.live_grants()) == CONNECTIONS
        assert self.sandbox.counters().refresh_requests == CONNECTIONS


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    server = PostgresServer()
    yield server
    server.close()


@pytest.fixture
def setting(server: PostgresServer, sandbox: Sandbox, tmp_path: Path) -> Iterator[Setting]:
    found = Setting(server.url(), sandbox, tmp_path)
    yield found
    found.close()


@pytest.mark.parametrize("seconds", [2.5, 60])
def test_a_database_that_stops_and_comes_back(server: PostgresServer, setting: Setting, seconds: float) -> None:
    setting.begin_refreshes()
    server.stop()
    setting.worker.answer()
    assert setting.waiting() == CONNECTIONS

    time.sleep(seconds)  # how long the outage is, is what this is about: a lease lasts 20 s
    server.start()

    setting.assert_nothing_is_lost(setting.worker)


def test_a_process_that_is_killed_during_the_outage(server: PostgresServer, setting: Setting) -> None:
    setting.begin_refreshes()
    server.stop()
    wait_until(lambda: setting.waiting() == CONNECTIONS)
    setting.worker.kill()

    server.start()
    worker = setting.start_worker()
    assert worker.ask("command") == 0

    setting.assert_nothing_is_lost(worker)


def test_a_process_that_is_killed_and_another_one_that_refreshes(server: PostgresServer, setting: Setting) -> None:
    """A page of the next process finds the file before it would spend a refresh token that is used up."""
    setting.begin_refreshes()
    server.stop()
    wait_until(lambda: setting.waiting() == CONNECTIONS)
    setting.worker.kill()
    server.start()
    server.execute("UPDATE accounts_connection SET lease_until = now() - interval '1 second'")

    worker = setting.start_worker()
    assert worker.ask("refresh") == CONNECTIONS

    setting.assert_nothing_is_lost(worker)


def test_a_pair_that_a_reconnect_has_replaced_is_revoked(server: PostgresServer, setting: Setting) -> None:
    setting.begin_refreshes()
    server.stop()
    wait_until(lambda: setting.waiting() == CONNECTIONS)
    setting.worker.kill()
    server.start()
    server.execute("UPDATE accounts_connection SET generation = generation + 1")

    worker = setting.start_worker()
    setting.sandbox.clear_faults()
    worker.ask("command")

    wait_until(lambda: setting.sandbox.live_grants() == [])
    assert setting.waiting() == 0


def test_a_database_that_moves_to_another_address(server: PostgresServer, setting: Setting) -> None:
    setting.worker.close()
    setting.database = server.url(addresses="127.0.0.1,127.0.0.2")
    setting.worker = setting.start_worker()
    setting.begin_refreshes()
    server.stop()
    setting.worker.answer()

    server.start("127.0.0.2")

    setting.assert_nothing_is_lost(setting.worker)


@pytest.mark.parametrize(
    ("makes_it_fail", "puts_it_right"),
    [
        ("ALTER ROLE worker CONNECTION LIMIT 0", "ALTER ROLE worker CONNECTION LIMIT -1"),
    ],
    ids=["too many connections"],
)
def test_a_database_that_takes_no_more_connections(
    server: PostgresServer, setting: Setting, makes_it_fail: str, puts_it_right: str
) -> None:
    server.execute("CREATE ROLE worker LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA public TO worker;")
    server.execute("GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO worker;")
    setting.worker.close()
    setting.database = server.url().replace("postgres@", "worker@")
    setting.worker = setting.start_worker()
    setting.begin_refreshes()
    server.execute(makes_it_fail)
    server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'worker'")
    setting.worker.answer()
    assert setting.waiting() == CONNECTIONS

    server.execute(puts_it_right)

    setting.assert_nothing_is_lost(setting.worker)


@pytest.mark.parametrize("code", ["53100", "40001"], ids=["disk full", "serialization failure"])
def test_a_database_that_refuses_the_write(server: PostgresServer, setting: Setting, code: str) -> None:
    server.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '{code}'; END $$"
    )
    setting.begin_refreshes()
    server.execute(
        "CREATE TRIGGER refuse BEFORE UPDATE ON socialaccount_socialtoken FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
    setting.worker.answer()
    assert setting.waiting() == CONNECTIONS

    server.execute("DROP TRIGGER refuse ON socialaccount_socialtoken")

    setting.assert_nothing_is_lost(setting.worker)


def test_an_sqlite_database_that_stays_locked(sandbox: Sandbox, tmp_path: Path) -> None:
    """For longer than Conveyor waits for the lock (20 s)."""
    file = tmp_path / "conveyor.sqlite3"
    setting = Setting(f"sqlite:///{file}", sandbox, tmp_path)
    try:
        setting.begin_refreshes()
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            setting.worker.answer()
            assert setting.waiting() == CONNECTIONS
            other.execute("ROLLBACK")

        setting.assert_nothing_is_lost(setting.worker)
    finally:
        setting.close()
