"""Fixtures of the tests about people and their connections."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.person import Person


@pytest.fixture
def owner(alice: Person) -> Person:
    """Alice, who has Northwind connected: what must not change when something else goes wrong."""
    alice.connect("Northwind")
    return alice


@pytest.fixture
def without_mail(settings: Any) -> None:
    """A Conveyor that has no EMAIL_URL, as at a first try of it: addresses are not verified."""
    settings.ACCOUNT_EMAIL_VERIFICATION = settings.SOCIALACCOUNT_EMAIL_VERIFICATION = "optional"
