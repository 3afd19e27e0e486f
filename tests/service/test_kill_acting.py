"""A process is killed at each step of an action; what the next one finds is right, and nothing is sent twice."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.models import Connection
from droplets.actions import timing, transitions
from droplets.models import Action
from tests.support.person import Person
from tests.support.processes import Worker
from tests.support.sandbox import Sandbox

DROPLET = 4711
ORDERS = "POST /v2/droplets/{droplet_id}/actions"

# The function around which the process ends × the status that the row is left in × what is known of it at last.
STEPS = [
    ("droplets.actions.sending:_record:before", None, None),
    ("droplets.actions.sending:_record:after", "recorded", "lost"),
    ("droplets.actions.sending:_request:before", "sending", "lost"),
    ("droplets.actions.sending:_request:inside", "sending", "either"),
    ("droplets.actions.sending:_request:after", "sending", "completed"),
    ("droplets.actions.transitions:mark_accepted:before", "sending", "completed"),
    ("droplets.actions.transitions:_write:after", "sending", "completed"),  # inside the transaction
    ("droplets.actions.transitions:mark_accepted:after", "in_progress", "completed"),
]


@pytest.fixture
def connection(digitalocean: Sandbox, transactional_db: None) -> Connection:
    alice = Person(digitalocean, "alice@example.com")
    alice.sign_up()
    connection = alice.connect()
    alice.go("Acme Web", url=f"/accounts/connections/{connection.pk}/act/")
    digitalocean.droplets("Acme Web", count=1)
    fields = {"id": DROPLET, "status": "active", "locked": False}
    digitalocean.droplets("Acme Web", patch=[{"index": 0, "set": fields}])
    return alice.connection("Acme Web")


def let_time_go_by() -> None:
    gone = timing.SEND_LEASE + timedelta(seconds=1)
    for row in Action.objects.all():
        row.sent_at = row.sent_at and row.sent_at - gone
        row.ask_at = row.ask_at and timezone.now()
        row.save()


@pytest.mark.parametrize(("step", "left", "last"), STEPS)
def test_killed_while_acting(
    connection: Connection,
    digitalocean: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    left: str | None,
    last: str | None,
) -> None:
    monkeypatch.setattr(timing, "LOST_AFTER", timedelta(0))
    if step.endswith("inside"):
        digitalocean.fault("delay", path="/actions$", method="POST", seconds=1.5, phase="after")
    worker = Worker(connection, kill=step)

    worker.order("act", droplet=DROPLET)
    assert worker.was_killed()

    assert [row.status for row in Action.objects.all()] == ([left] if left else [])
    digitalocean.clear_faults()
    digitalocean.forward(60)
    let_time_go_by()
    call_command("follow_actions", stdout=StringIO())

    if last == "either":
        last = "completed" if digitalocean.actions(DROPLET) else "lost"
    assert [row.status for row in Action.objects.all()] == ([last] if last else [])
    assert len(digitalocean.actions(DROPLET)) == (last == "completed")
    assert digitalocean.counters().by_endpoint.get(ORDERS, 0) <= 1
    if left == "recorded":
        assert Action.objects.get().words == transitions.NEVER_SENT
