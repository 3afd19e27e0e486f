"""Fixtures of the tests of the support desk."""

from __future__ import annotations

import pytest

from tests.support.person import Person
from tests.support.sandbox import Sandbox
from tests.support.support_group import make_agent


@pytest.fixture
def agent(digitalocean: Sandbox, db: None) -> Person:
    """A member of the Support group, logged in with the second factor."""
    return make_agent(digitalocean)
