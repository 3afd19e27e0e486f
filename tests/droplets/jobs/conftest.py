from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.droplets.jobs.many import Many
from tests.support.engine import run_tasks
from tests.support.person import Person


@pytest.fixture
def many(alice: Person) -> Iterator[Many]:
    """Alice, whose team Acme Web has six droplets that run. No message stays for the next test."""
    found = Many(alice)
    found.team("Acme Web", count=6)
    yield found
    run_tasks()
