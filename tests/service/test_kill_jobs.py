"""A worker is killed at each step of a job; the next one goes on, and nothing is sent twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from droplets.actions import timing
from droplets.models import Action, Job, JobStep, JobTeam
from tests.droplets.jobs.many import FIRST, Many
from tests.support.engine import run_tasks
from tests.support.person import Person
from tests.support.processes import Worker
from tests.support.sandbox import Sandbox

# The function around which the process ends × how many actions have a row then × what comes of the first droplet.
STEPS = [
    ("droplets.jobs.advance:_ready:before", 0, "done"),
    ("droplets.jobs.advance:_record:before", 0, "done"),
    ("droplets.jobs.advance:_record:after", 2, "failed"),  # never sent
    ("droplets.actions.sending:_request:before", 2, "either"),
    ("droplets.actions.sending:_request:inside", 2, "either"),
    ("droplets.actions.sending:_request:after", 2, "either"),
    ("droplets.actions.transitions:mark_accepted:before", 2, "either"),
    ("droplets.actions.transitions:_write:after", 2, "either"),  # inside the transaction
    ("droplets.actions.transitions:mark_accepted:after", 2, "either"),
    ("droplets.jobs.advance:_release:before", 2, "done"),
]


@pytest.fixture
def many(digitalocean: Sandbox, transactional_db: None) -> Iterator[Many]:
    person = Person(digitalocean, "alice@example.com")
    person.sign_up()
    found = Many(person)
    found.team("Acme Web", count=3)
    yield found
    run_tasks()  # no message stays for the next test


def let_time_go_by() -> None:
    gone = timing.SEND_LEASE + timedelta(seconds=1)
    for row in Action.objects.exclude(ask_at=None):
        Action.objects.filter(pk=row.pk).update(sent_at=row.sent_at and row.sent_at - gone, ask_at=timezone.now())
    JobTeam.objects.exclude(due_at=None).update(due_at=timezone.now(), send_after=None)


@pytest.mark.parametrize(("step", "rows", "outcome"), STEPS)
def test_killed_in_a_job(many: Many, monkeypatch: pytest.MonkeyPatch, step: str, rows: int, outcome: str) -> None:
    monkeypatch.setattr(timing, "LOST_AFTER", timedelta(0))
    job = many.start("reboot", at_once=2)
    if step.endswith("inside"):
        many.sandbox.fault("delay", path="/actions$", method="POST", seconds=1.5, phase="after")
    worker = Worker(many.person.connections[0], kill=step)

    worker.order("advance", job=str(job.pk))
    assert worker.was_killed()

    assert Action.objects.count() == rows
    many.sandbox.clear_faults()
    for _ in range(12):
        many.sandbox.forward(8)
        let_time_go_by()
        many.work()
    job.refresh_from_db()
    assert job.state == Job.State.ENDED
    acted_on = [each.droplet_id for each in many.sandbox.actions()]
    assert len(acted_on) == len(set(acted_on))
    assert many.sent() <= 3
    states = dict(JobStep.objects.values_list("droplet_id", "state"))
    assert states == {FIRST + at: "done" if FIRST + at in acted_on else "failed" for at in range(3)}
    if outcome != "either":
        assert states[FIRST] == outcome
