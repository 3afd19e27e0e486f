"""Real workers and brokers for the tests of background work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from accounts.models import Connection
from tests.support.engine import Engine, engine
from tests.support.person import Person
from tests.support.redis_server import RedisServer
from tests.support.sandbox import Sandbox
from tests.support.waiting import wait_until


@pytest.fixture
def connection(digitalocean: Sandbox, transactional_db: None) -> Connection:
    alice = Person(digitalocean, "alice@example.com")
    alice.sign_up()
    return alice.connect()


@pytest.fixture(params=["files", "redis"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a worker with a broker of the test's own."""
    directory = tmp_path / "queue"
    if request.param == "files":
        yield {"REDIS_URL": "", "QUEUE_DIR": str(directory)}
        return
    server = RedisServer(tmp_path)
    yield {"REDIS_URL": server.url, "QUEUE_DIR": str(directory)}
    server.stop()


@pytest.fixture
def worker(broker: dict[str, str], tmp_path: Path) -> Iterator[Engine]:
    with engine("worker", "--concurrency", "2", log=tmp_path / "worker.log", environment=broker) as running:
        wait_until(lambda: "ready" in running.output, seconds=60)
        yield running
