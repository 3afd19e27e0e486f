from __future__ import annotations

from time import monotonic

import pytest

from tests.support.sandbox import Sandbox


@pytest.fixture
def token(digitalocean: Sandbox) -> str:
    """An access token for Ada's team Acme Web."""
    return str(digitalocean.connect(team="Acme Web")["access_token"])


@pytest.fixture
def until() -> float:
    """A deadline that no test meets."""
    return monotonic() + 20
