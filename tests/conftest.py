"""Fixtures that every test may use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.sandbox import Sandbox


@pytest.fixture(scope="session")
def sandbox_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One sandbox for the whole run. Tests ask for `sandbox`, which is clean."""
    sandbox = Sandbox.start(state=tmp_path_factory.mktemp("sandbox") / "sandbox.sqlite3")
    yield sandbox
    sandbox.stop()


@pytest.fixture
def sandbox(sandbox_process: Sandbox) -> Sandbox:
    """A running sandbox in a fresh world: 150 droplets a team, no grants, no faults, counters at zero."""
    sandbox_process.reset()
    return sandbox_process
