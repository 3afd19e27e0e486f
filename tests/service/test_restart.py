"""Restarts, upgrades and stops while people use Conveyor: no request fails, and what has begun is finished."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import requests
from django.conf import settings
from django.db import connection as database
from django.db import models

from accounts.models import Connection, Revocation, User
from tests.accounts.test_tokens import expire, stored_pair
from tests.support.engine import engine
from tests.support.person import Person
from tests.support.processes import database_url
from tests.support.programs import MANAGE, run
from tests.support.sandbox import Sandbox
from tests.support.waiting import wait_until
from tests.support.web import Load, WebServer

WORKERS = 2
_SHARED = ("SECRET_KEY", "TOKEN_KEYS", "DIGITAL_OCEAN_CLIENT_ID", "DIGITAL_OCEAN_CLIENT_SECRET", "SPILL_DIR")
_HOST = ("ALLOWED_HOSTS", "BASE_URL", "HTTPS", "CACHE_PREFIX", "QUEUE_DIR")


@pytest.fixture
def alice(digitalocean: Sandbox, transactional_db: None) -> Person:
    digitalocean.settings(burst_limit=1_000_000, hourly_limit=1_000_000)
    person = Person(digitalocean, "alice@example.com")
    person.sign_up()
    person.connect()
    return person


@pytest.fixture
def cookie(alice: Person) -> str:
    name = settings.SESSION_COOKIE_NAME
    return f"{name}={alice.client.cookies[name].value}"


@pytest.fixture
def server(alice: Person, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[WebServer]:
    given = {name: os.environ[name] for name in (*_SHARED, *_HOST)} | {
        "DATABASE_URL": database_url(),
        "REDIS_URL": settings.REDIS_URL,
        "DIGITAL_OCEAN_OAUTH_URL": settings.DIGITAL_OCEAN_OAUTH_URL,
        "DIGITAL_OCEAN_API_URL": settings.DIGITAL_OCEAN_API_URL,
        "STATIC_ROOT": str(tmp_path / "static"),
        "WEB_CONCURRENCY": str(WORKERS),
    }
    collected = run([*MANAGE, "collectstatic", "--no-input"], given)
    assert collected.returncode == 0, collected.stderr
    server = WebServer(tmp_path, given, activated=getattr(request, "param", True))
    try:
        server.start()
        wait_until(lambda: server.started(WORKERS), seconds=60)
        yield server
    finally:
        server.close()


@pytest.fixture
def load(server: WebServer, cookie: str) -> Load:
    return Load(server.port, ["/droplets/", "/healthz", "/activity/"], cookie)


class TestWorks:
    def test_a_restart(self, server: WebServer, load: Load) -> None:
        """The socket stays open, so requests wait for the next server: `systemctl restart`."""
        with load.running():
            for times in (2, 3):
                load.goes_on()
                assert server.stop() == 0
                server.start()
                wait_until(lambda times=times: server.started(times * WORKERS), seconds=60)  # type: ignore[misc]
            load.goes_on()

        assert set(load.answers) == {"200"}, load.answers

    def test_new_workers(self, server: WebServer, load: Load) -> None:
        """SIGHUP: `systemctl reload`."""
        with load.running():
            load.goes_on()
            server.process.send_signal(signal.SIGHUP)
            wait_until(lambda: server.started(2 * WORKERS) and server.output.count("Worker exiting") == WORKERS)
            load.goes_on()

        assert set(load.answers) == {"200"}, load.answers

    @pytest.mark.parametrize("server", [False], ids=["its own socket"], indirect=True)
    def test_a_new_master_takes_over(self, server: WebServer, load: Load) -> None:
        """SIGUSR2, and SIGTERM for the old one: where no service manager holds the socket."""
        second = 0
        try:
            with load.running():
                load.goes_on()
                second = server.new_master()
                wait_until(lambda: server.started(2 * WORKERS), seconds=60)
                assert server.stop() == 0
                load.goes_on()
        finally:
            with suppress(ProcessLookupError):
                if second:
                    os.kill(second, signal.SIGTERM)
        wait_until(lambda: server.output.count("Shutting down") == 2, seconds=60)

        assert set(load.answers) == {"200"}, load.answers

    def test_the_database_is_migrated(self, server: WebServer, load: Load, digitalocean: Sandbox) -> None:
        """A column that old code does not know is added to tables that are read and written all the time."""
        columns = {model: models.BooleanField(db_default=False) for model in (User, Connection)}
        for model, column in columns.items():
            column.set_attributes_from_name("added_meanwhile")
            column.model = model
        with load.running():
            load.goes_on()
            with database.schema_editor() as editor:
                for model, column in columns.items():
                    editor.add_field(model, column)
            load.goes_on()
            newcomer = Person(digitalocean, "new@example.com", "grace")
            newcomer.sign_up()  # rows are inserted by code that does not know the column
            newcomer.connect("Northwind")
            load.goes_on()
            with database.schema_editor() as editor:
                for model, column in columns.items():
                    editor.remove_field(model, column)

        assert set(load.answers) == {"200"}, load.answers


class TestHandles:
    def test_a_page_that_waits_is_finished(self, server: WebServer, digitalocean: Sandbox, cookie: str) -> None:
        fault = digitalocean.fault("delay", path="/v2/droplets$", seconds=2.0)
        answers: list[requests.Response] = []
        url = f"http://127.0.0.1:{server.port}/droplets/"
        thread = threading.Thread(
            target=lambda: answers.append(requests.get(url, headers={"Cookie": cookie}, timeout=30))
        )
        thread.start()
        wait_until(lambda: digitalocean.hits(fault) > 0)

        assert server.stop() == 0

        thread.join(30)
        assert answers[0].status_code == 200
        assert "</html>" in answers[0].text
        assert "acme-web" in answers[0].text or "web-1" in answers[0].text

    def test_a_refresh_is_finished(self, server: WebServer, alice: Person, digitalocean: Sandbox, cookie: str) -> None:
        connection = Connection.objects.get()
        expire(connection)
        fault = digitalocean.fault("delay", path="/v1/oauth/token", seconds=2.0)
        url = f"http://127.0.0.1:{server.port}/droplets/"
        answers: list[requests.Response] = []
        thread = threading.Thread(
            target=lambda: answers.append(requests.get(url, headers={"Cookie": cookie}, timeout=30))
        )
        thread.start()
        wait_until(lambda: digitalocean.hits(fault) > 0)

        assert server.stop() == 0

        thread.join(30)
        assert answers[0].status_code == 200
        assert_refreshed_once(connection, digitalocean)

    def test_a_refresh_of_a_worker_is_finished(self, alice: Person, digitalocean: Sandbox, tmp_path: Path) -> None:
        connection = Connection.objects.get()
        expire(connection)
        fault = digitalocean.fault("delay", path="/v1/oauth/token", seconds=2.0)
        broker = {"CACHE_PREFIX": tmp_path.name, "QUEUE_DIR": str(tmp_path / "queue")}
        with (
            engine("worker", "--concurrency", "1", log=tmp_path / "worker.log", environment=broker) as worker,
            engine("beat", log=tmp_path / "beat.log", environment=broker),
        ):
            wait_until(lambda: digitalocean.hits(fault) > 0, seconds=60)

            assert worker.stop() == 0

        assert_refreshed_once(connection, digitalocean)


def assert_refreshed_once(connection: Connection, digitalocean: Sandbox) -> None:
    assert Connection.objects.get().generation == connection.generation + 1
    assert digitalocean.counters().refresh_requests == 1
    assert [grant.access_token for grant in digitalocean.live_grants()] == [stored_pair(connection)[0]]
    assert list(Path(settings.SPILL_DIR).glob("*.spill")) == []
    assert not Revocation.objects.exists()
