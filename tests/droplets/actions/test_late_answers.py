"""An answer that the database does not take in the moment in which it comes is stored later."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError

from accounts import spill
from droplets.actions import sending, transitions
from droplets.actions.kinds import KINDS
from droplets.calls import droplet as droplet_calls
from droplets.models import Action
from tests.droplets.actions.acting import DROPLET, Acting
from tests.support.waiting import wait_until


@pytest.fixture
def database_away(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From the call on, the next answer is not stored."""
    write = transitions._write

    def fail_once(*args: Any, **kwargs: Any) -> bool:
        monkeypatch.setattr(transitions, "_write", write)
        raise OperationalError("the database is away")

    return lambda: monkeypatch.setattr(transitions, "_write", fail_once)


@pytest.mark.parametrize(
    ("kind", "refusal", "status"),
    [("reboot", None, "in_progress"), ("reboot", 422, "refused"), ("destroy", None, "completed")],
)
def test_it_is_stored_once_the_database_is_back(
    database_away: Callable[[], None], acting: Acting, kind: str, refusal: int | None, status: str
) -> None:
    if refusal:
        acting.sandbox.fault("status", path="/v2/droplets/[0-9]+/actions$", method="POST", status=refusal)
    droplet = droplet_calls.fetch_droplet(acting.connection, DROPLET)
    database_away()

    with pytest.raises(OperationalError):
        sending.begin(acting.connection, droplet, KINDS[kind], {}, key=uuid4())

    wait_until(lambda: Action.objects.get().status == status)
    wait_until(lambda: not spill.is_retrying())
    assert len(acting.done()) == (0 if refusal else 1)
    assert (Action.objects.get().ended_at is None) == (status == "in_progress")
