from __future__ import annotations

import pytest

from accounts.models import Connection
from tests.droplets.actions.acting import DROPLET, Acting
from tests.support.person import Person


@pytest.fixture
def acme(alice: Person) -> Connection:
    """Alice's connection to a team whose only droplet is running. It may read."""
    connection = alice.connect("Acme Web")
    alice.sandbox.droplets("Acme Web", count=1)
    fields = {"id": DROPLET, "name": "db-primary", "status": "active", "locked": False, "features": ["monitoring"]}
    alice.sandbox.droplets("Acme Web", patch=[{"index": 0, "set": fields}])
    return connection


@pytest.fixture
def reader(alice: Person, acme: Connection) -> Acting:
    """Alice before the droplet, who may only read."""
    return Acting(alice, acme)


@pytest.fixture
def acting(reader: Acting) -> Acting:
    """Alice before the droplet, which she may act on."""
    reader.allow()
    reader.connection.refresh_from_db()
    return reader
