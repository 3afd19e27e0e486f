from __future__ import annotations

import pytest

from tests.droplets.watchers.watching import TEAM, Watching
from tests.support.clock import Calendar
from tests.support.person import Person


@pytest.fixture
def calendar(monkeypatch: pytest.MonkeyPatch) -> Calendar:
    calendar = Calendar()
    monkeypatch.setattr("django.utils.timezone.now", calendar)
    return calendar


@pytest.fixture
def watching(alice: Person, calendar: Calendar) -> Watching:
    """Alice, with a view of her team of ten droplets."""
    alice.connect(TEAM)
    alice.sandbox.droplets(TEAM, count=10)
    return Watching(alice, calendar)
