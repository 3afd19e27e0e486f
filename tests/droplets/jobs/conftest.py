from __future__ import annotations

import pytest

from tests.droplets.jobs.many import Many
from tests.support.person import Person


@pytest.fixture
def many(alice: Person) -> Many:
    """Alice, whose team Acme Web has six droplets that run."""
    found = Many(alice)
    found.team("Acme Web", count=6)
    return found
