"""Fixtures that every test may use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from xdist.scheduler import LoadScopeScheduling

from common.cache import shared
from tests.support.clock import Clock
from tests.support.person import Person
from tests.support.redis_server import RedisServer
from tests.support.sandbox import Sandbox


def pytest_configure() -> None:
    """What only tests want: no collected static files, and passwords that cost nothing."""
    django_settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    django_settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


ONE_AFTER_ANOTHER = ("tests/browser/", "tests/service/test_stampede.py")
"""What must not run beside its like. The browser's tests share a Conveyor; each stampede holds 64 connections to the
database, and PostgreSQL takes a hundred unless told otherwise."""


class OneAfterAnother(LoadScopeScheduling):
    """Shares the tests out one by one, but what belongs together to one process, and first: it takes longest."""

    def _split_scope(self, nodeid: str) -> str:
        return next((start for start in ONE_AFTER_ANOTHER if nodeid.startswith(start)), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneAfterAnother:
    return OneAfterAnother(config, log)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """SQLite as a file: threads and processes meet there as they do in production."""
    database = django_settings.DATABASES["default"]
    if database["ENGINE"] == "django.db.backends.sqlite3":
        database["TEST"]["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    """Rate limits and readings live in the cache; none of them outlives a test."""
    cache.clear()


@pytest.fixture
def redis(tmp_path: Path, settings: Any) -> Iterator[RedisServer]:
    """A Redis server for this test alone. Use this fixture before anybody signs in."""
    server = RedisServer(tmp_path)
    settings.REDIS_URL = server.url
    settings.CACHES = {
        "default": {"BACKEND": "conveyor.caches.RedisCache", "LOCATION": [server.url], "KEY_PREFIX": uuid4().hex}
    }
    shared.cache_clear()
    yield server
    server.stop()
    shared.cache_clear()


@pytest.fixture
def cache_clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that decides when a Redis that failed is tried again."""
    clock = Clock()
    monkeypatch.setattr("conveyor.caches.monotonic", clock)
    return clock


@pytest.fixture(scope="session")
def sandbox_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One sandbox for the whole run. Tests ask for `sandbox`, which is clean."""
    sandbox = Sandbox.start(state=tmp_path_factory.mktemp("sandbox") / "sandbox.sqlite3")
    yield sandbox
    sandbox.stop()


@pytest.fixture
def sandbox(sandbox_process: Sandbox) -> Sandbox:
    """A running sandbox in a fresh world: 150 droplets a team, no grants, no faults, counters at zero."""
    sandbox_process.reset()
    return sandbox_process


@pytest.fixture
def digitalocean(sandbox: Sandbox, settings: Any) -> Sandbox:
    """The sandbox, and Conveyor set up to take it for DigitalOcean."""
    settings.DIGITAL_OCEAN_OAUTH_URL = sandbox.oauth_url
    settings.DIGITAL_OCEAN_API_URL = sandbox.api_url
    return sandbox


@pytest.fixture
def alice(digitalocean: Sandbox, db: None) -> Person:
    """Signed up and signed in; Ada Byron at DigitalOcean."""
    person = Person(digitalocean, "alice@example.com", "ada")
    person.sign_up()
    return person


@pytest.fixture
def bob(digitalocean: Sandbox, db: None) -> Person:
    """Signed up and signed in; Grace Hopper at DigitalOcean, who shares Northwind with Ada."""
    person = Person(digitalocean, "bob@example.com", "grace")
    person.sign_up()
    return person


@pytest.fixture
def visitor(digitalocean: Sandbox, db: None) -> Person:
    """Nobody yet; Ada Byron at DigitalOcean."""
    return Person(digitalocean, "ada@acme.example", "ada")


@pytest.fixture
def token(digitalocean: Sandbox) -> str:
    """An access token for Ada's team Acme Web."""
    return str(digitalocean.connect(team="Acme Web")["access_token"])


@pytest.fixture
def deadline() -> float:
    """A moment of `time.monotonic` that no test reaches."""
    return monotonic() + 20
