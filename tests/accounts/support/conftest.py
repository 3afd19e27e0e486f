"""Fixtures of the tests of the support desk."""

from __future__ import annotations

import pytest

from tests.support.person import Person
from tests.support.sandbox import Sandbox
from tests.support.staff import make_staff


@pytest.fixture
def agent(digitalocean: Sandbox, db: None) -> Person:
    """Staff who may view everything, and are no superuser."""
    return make_staff(digitalocean, "agent@example.com", permissions="view_")
