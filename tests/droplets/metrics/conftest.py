from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from accounts.models import Connection
from tests.droplets.views.page import Page
from tests.support.metrics import steady
from tests.support.person import Person

Visit = Callable[..., Page]


@pytest.fixture
def now() -> int:
    """In seconds since the epoch."""
    return int(time.time())


@pytest.fixture
def token(alice: Person) -> str:
    """An access token that can do everything to Alice's team, beside the one that Conveyor has."""
    alice.sandbox.settings(action_seconds=0)
    return str(alice.sandbox.connect(team="Acme Web", scope="read write")["access_token"])


@pytest.fixture
def acme(alice: Person) -> Connection:
    connection = alice.connect("Acme Web")
    alice.client.get("/accounts/3rdparty/")  # reads the messages, so that they are not on the pages below
    return connection


@pytest.fixture
def droplet(alice: Person, token: str, now: int) -> int:
    """A droplet with the agent, which has been running for two days or more. The counters are at zero."""
    found = int(steady(alice.sandbox, token, now)["id"])
    alice.sandbox.reset_counters()
    return found


@pytest.fixture
def visit(alice: Person, acme: Connection, droplet: int) -> Visit:
    """Alice looks at the graphs of the droplet, or of another."""

    def go(query: str = "", of: object = None, **headers: str) -> Page:
        return Page(alice.client.get(f"/droplets/{acme.pk}/{of or droplet}/graphs/{query}", headers=headers))

    return go
