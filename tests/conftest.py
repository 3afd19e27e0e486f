"""Fixtures for all tests, and the limits on what they reach."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from django.test import Client
from pytest_socket import SocketBlockedError, is_ipaddress
from xdist.scheduler import LoadScopeScheduling

from common.cache import shared
from tests.support.clock import Clock
from tests.support.passkey import ORIGIN
from tests.support.person import Person
from tests.support.redis_server import RedisServer
from tests.support.sandbox import Sandbox


def pytest_configure() -> None:
    """For tests only: static files without collectstatic, and a password hasher that is fast."""
    django_settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    django_settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


ONE_AFTER_ANOTHER = ("tests/browser/", "tests/service/test_stampede.py")
"""Tests below each of these run one after another. The browser tests share one server; each stampede test holds 64
connections to the database, and PostgreSQL allows 100 by default."""


class OneAfterAnother(LoadScopeScheduling):
    """Distributes tests one by one; each group of ONE_AFTER_ANOTHER goes to one process, first, because it is slow."""

    def _split_scope(self, nodeid: str) -> str:
        return next((start for start in ONE_AFTER_ANOTHER if nodeid.startswith(start)), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneAfterAnother:
    return OneAfterAnother(config, log)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """SQLite in a file, so threads and processes share it as in production."""
    database = django_settings.DATABASES["default"]
    if database["ENGINE"] == "django.db.backends.sqlite3":
        database["TEST"]["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")


@pytest.fixture(scope="session", autouse=True)
def _no_name_server() -> Iterator[None]:
    """No test asks a name server. pytest-socket's --allow-hosts (pyproject.toml) limits connections only."""
    look_up = socket.getaddrinfo

    def guarded(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name in (None, "", "localhost") or is_ipaddress(name):
            return look_up(host, *args, **kwargs)
        if name.endswith(".invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "no such name")  # what each resolver must say, RFC 6761
        raise SocketBlockedError(f"A test looks up {name}, which is not this machine.")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", guarded)
        yield


@pytest.fixture
def client() -> Client:
    """A browser at BASE_URL, with nobody logged in."""
    return Client(SERVER_NAME="127.0.0.1")


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    """Rate limits and cached fleets are in the cache; each test starts without them."""
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
    """One sandbox for the whole run. Tests use the fixture `sandbox`, which resets it."""
    sandbox = Sandbox.start(state=tmp_path_factory.mktemp("sandbox") / "sandbox.sqlite3")
    yield sandbox
    sandbox.stop()


@pytest.fixture
def sandbox(sandbox_process: Sandbox) -> Sandbox:
    """A running sandbox, reset: 150 droplets per team, no grants, no faults, counters at zero."""
    sandbox_process.reset()
    return sandbox_process


@pytest.fixture
def host_name(settings: Any) -> None:
    """Conveyor at a host name: browsers accept no passkeys at an address. Use this fixture before anybody signs in."""
    settings.BASE_URL = ORIGIN


@pytest.fixture
def digitalocean(sandbox: Sandbox, settings: Any) -> Sandbox:
    """The sandbox, with Conveyor's settings pointing to it."""
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
    """Has no account at Conveyor; Ada Byron at DigitalOcean."""
    return Person(digitalocean, "ada@acme.example", "ada")


@pytest.fixture
def token(digitalocean: Sandbox) -> str:
    """An access token for Ada's team Acme Web."""
    return str(digitalocean.connect(team="Acme Web")["access_token"])


@pytest.fixture
def deadline() -> float:
    """A deadline (a moment of `time.monotonic`) that no test reaches."""
    return monotonic() + 20
