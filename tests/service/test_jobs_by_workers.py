"""A whole job by real workers and a scheduler, one of which is killed in the middle."""

from __future__ import annotations

from pathlib import Path

from django.utils import timezone

from droplets.actions import timing, transitions
from droplets.models import Action, Job, JobStep, JobTeam
from tests.droplets.jobs.many import Many
from tests.support.engine import engine
from tests.support.person import Person
from tests.support.sandbox import Sandbox
from tests.support.waiting import wait_until

EACH = 6


def a_job(sandbox: Sandbox) -> tuple[Many, Job]:
    """Two teams of six droplets, two of each at a time."""
    person = Person(sandbox, "alice@example.com")
    person.sign_up()
    many = Many(person)
    many.team("Acme Web", count=EACH)
    many.team("Northwind", count=EACH, first=7001)
    sandbox.settings(action_seconds=1)
    return many, many.start("reboot", at_once=2)


def has_ended() -> bool:
    return Job.objects.get().state == Job.State.ENDED


def test_a_job_from_its_confirmation_to_its_end(
    digitalocean: Sandbox, transactional_db: None, broker: dict[str, str], tmp_path: Path
) -> None:
    """The message of the confirmation went to another broker: the scheduler finds the job."""
    many, _ = a_job(digitalocean)

    with (
        engine("worker", "--concurrency", "2", log=tmp_path / "worker.log", environment=broker) as worker,
        engine("beat", log=tmp_path / "beat.log", environment=broker),
    ):
        wait_until(has_ended, seconds=90)

    assert many.states() == ["done"] * 2 * EACH
    assert many.sent() == len({each.droplet_id for each in many.sandbox.actions()}) == 2 * EACH
    assert "Traceback" not in worker.output
    assert "doo_v1_" not in worker.output


def test_a_worker_is_killed_in_the_middle_of_a_job(
    digitalocean: Sandbox, transactional_db: None, broker: dict[str, str], tmp_path: Path
) -> None:
    """Nothing is lost, and nothing is sent twice. The killed worker's requests have taken effect, without an answer."""
    many, _ = a_job(digitalocean)
    fault = digitalocean.fault("delay", path="/actions$", method="POST", phase="after", seconds=60, skip=5, times=2)
    with (
        engine("worker", "--concurrency", "2", log=tmp_path / "1.log", environment=broker) as first,
        engine("beat", log=tmp_path / "beat.log", environment=broker) as beat,
    ):
        wait_until(lambda: digitalocean.hits(fault) > 0, seconds=60)
        first.kill()
        beat.kill()
    digitalocean.clear_faults()
    sent_before = many.sent()
    assert 0 < sent_before < 2 * EACH
    let_leases_run_out()

    with (
        engine("worker", "--concurrency", "2", log=tmp_path / "2.log", environment=broker),
        engine("beat", log=tmp_path / "beat-2.log", environment=broker),
    ):
        wait_until(has_ended, seconds=150)

    acted_on = [each.droplet_id for each in many.sandbox.actions()]
    assert len(acted_on) == len(set(acted_on)) == many.sent()
    for step in JobStep.objects.all():  # what was recorded and not yet sent is told, and is not sent by anybody later
        expected = ("done", "") if step.droplet_id in acted_on else ("failed", transitions.NEVER_SENT)
        assert (step.state, step.message) == expected
    assert many.states().count("failed") <= 4


def let_leases_run_out() -> None:
    now = timezone.now()
    for row in Action.objects.exclude(ask_at=None):
        Action.objects.filter(pk=row.pk).update(sent_at=row.sent_at and row.sent_at - timing.SEND_LEASE, ask_at=now)
    JobTeam.objects.exclude(due_at=None).update(due_at=now)
