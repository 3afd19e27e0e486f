"""A job goes on by itself: each droplet once, some at a time, whatever happens meanwhile."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from celery import Celery
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Connection, User
from common.tasks import enqueue
from droplets.actions import timing
from droplets.jobs import advance, tasks
from droplets.models import Action, Job, JobStep, JobTeam
from tests.droplets.jobs.many import FIRST, Many
from tests.support.at_once import at_once
from tests.support.engine import run_tasks

GETS = "/v2/droplets/[0-9]+$"
ACTS = "/v2/droplets/[0-9]+/actions$"
READS = "GET /v2/droplets/{droplet_id}"

# Works


def test_a_job_acts_on_each_droplet_once(many: Many) -> None:
    job = many.start("reboot")

    many.go_on(times=4)

    assert many.states() == ["done"] * 6
    assert sorted(each.droplet_id for each in many.sandbox.actions()) == [FIRST + at for at in range(6)]
    job.refresh_from_db()
    assert (job.state, job.ended_at is not None) == ("ended", True)
    assert not advance.due().exists()


def test_one_after_another_with_a_pause(many: Many) -> None:
    many.start("reboot", at_once=1, pause=30)
    many.work()
    assert many.states() == ["running"] + ["waiting"] * 5

    many.sandbox.forward(60)
    JobTeam.objects.update(due_at=timezone.now())
    Action.objects.update(ask_at=timezone.now())
    many.work()

    assert many.states() == ["done"] + ["waiting"] * 5  # it pauses
    many.go_on()
    assert many.states() == ["done", "running"] + ["waiting"] * 4
    many.go_on(times=10)
    assert many.states() == ["done"] * 6


def test_never_more_at_once_than_wanted(many: Many) -> None:
    many.start("reboot", at_once=2)

    for _ in range(4):
        many.go_on()
        assert many.states().count("running") <= 2

    assert many.states() == ["done"] * 6


def test_two_teams_go_on_side_by_side(many: Many) -> None:
    many.team("Northwind", count=2, first=7001)
    many.start("reboot", at_once=1)

    many.work()

    assert JobStep.objects.filter(state="running").values("team").distinct().count() == 2
    many.go_on(times=7)
    assert many.states() == ["done"] * 8


@pytest.mark.django_db(transaction=True)
def test_workers_go_on_by_messages(many: Many) -> None:
    run_tasks()  # what another test has left
    job = many.start("reboot", at_once=20)
    assert run_tasks() == ["droplets.advance_job"]
    assert many.states() == ["running"] * 6

    many.sandbox.forward(60)
    JobTeam.objects.update(due_at=timezone.now())
    Action.objects.update(ask_at=timezone.now())
    enqueue(tasks.advance_jobs)

    assert run_tasks() == ["droplets.advance_jobs", "droplets.advance_job"]
    job.refresh_from_db()
    assert job.state == "ended"


# Refuses


def test_a_message_twice_sends_nothing_twice(many: Many) -> None:
    job = many.start("reboot", at_once=20)
    for _ in range(3):
        tasks.advance_job(str(job.pk), str(JobTeam.objects.get().connection_id))

    assert many.sent() == 6


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_send_nothing_twice(many: Many) -> None:
    job = many.start("reboot", at_once=20)
    part = JobTeam.objects.get()
    many.sandbox.settings(latency_ms=50)

    before = many.sandbox.counters().by_endpoint.get(READS, 0)
    at_once(*[lambda: advance.advance(job.pk, part.connection_id)] * 4)

    assert many.sent() == 6
    assert Action.objects.count() == 6
    assert many.sandbox.counters().by_endpoint[READS] - before == 6  # by the one that has the lease


def test_a_worker_that_has_lost_its_lease_sends_nothing(many: Many, monkeypatch: pytest.MonkeyPatch) -> None:
    job = many.start("reboot")
    part = JobTeam.objects.get()
    send = advance._send

    def late(*args: object) -> object:
        JobTeam.objects.update(due_at=timezone.now() + timedelta(seconds=90))  # another worker has taken it
        return send(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(advance, "_send", late)

    assert advance.advance(job.pk, part.connection_id) is None
    assert many.sent() == 0
    assert many.states() == ["waiting"] * 6


def test_a_draft_does_nothing(many: Many) -> None:
    many.select("reboot")
    JobTeam.objects.update(due_at=timezone.now())

    many.go_on()

    assert many.sent() == 0
    assert many.states() == ["waiting"] * 6


# Handles


def test_a_droplet_that_was_destroyed_elsewhere(many: Many) -> None:
    many.start("reboot")
    many.sandbox.droplets("Acme Web", remove=1)

    many.go_on(times=3)

    assert sorted(many.states()) == ["done"] * 5 + ["skipped"]
    assert advance.GONE in many.messages()


def test_a_droplet_that_was_switched_off_meanwhile(many: Many) -> None:
    many.start("reboot")
    many.sandbox.droplets("Acme Web", patch=[{"index": 0, "set": {"status": "off"}}])

    many.go_on(times=3)

    assert sorted(many.states()) == ["done"] * 5 + ["skipped"]
    assert "The droplet is off." in many.messages()


def test_what_digitalocean_refuses_has_its_words(many: Many) -> None:
    many.sandbox.fault("status", path=ACTS, method="POST", status=422, times=1, json={"id": "x", "message": "No way."})
    many.start("reboot")

    many.go_on(times=3)

    assert sorted(many.states()) == ["done"] * 5 + ["failed"]
    assert "DigitalOcean refused this: No way." in many.messages()


@pytest.mark.parametrize(
    "fault", [{"status": 503}, {"status": 429, "headers": {"retry-after": "1"}}], ids=["ill", "limit"]
)
def test_digitalocean_is_ill_in_the_middle(many: Many, fault: dict[str, object]) -> None:
    many.start("reboot", at_once=1)
    many.work()
    many.sandbox.fault("status", path=GETS, method="GET", **fault)

    many.go_on(times=3)

    assert many.states() == ["done"] + ["waiting"] * 5
    part = JobTeam.objects.get()
    assert part.send_after is not None
    assert part.waits_for
    many.sandbox.clear_faults()
    from django.core.cache import cache

    cache.clear()  # the time that the 429 named is over
    many.go_on(times=7)
    assert many.states() == ["done"] * 6
    assert many.sent() == 6
    assert JobTeam.objects.get().waits_for == ""


def test_an_action_without_an_answer_is_looked_up_and_not_repeated(many: Many, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "LOST_AFTER", timedelta(0))
    many.sandbox.fault("reset", path=ACTS, method="POST", phase="after", times=6)
    many.start("reboot")

    many.go_on(times=14, seconds=5)

    assert many.states() == ["done"] * 6
    assert len(many.sandbox.actions()) == 6


def test_while_actions_are_refused_by_a_proxy_one_is_tried_at_a_time(
    many: Many, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timing, "LOST_AFTER", timedelta(0))
    many.sandbox.fault("status", path=ACTS, method="POST", status=503)
    many.start("reboot", at_once=2)

    many.go_on()

    assert many.sent() == 2
    many.go_on()
    assert many.sent() <= 3


def test_an_illness_of_an_hour_ends_the_rest(many: Many) -> None:
    many.start("reboot")
    many.sandbox.fault("status", path=GETS, method="GET", status=503)
    many.go_on()
    JobTeam.objects.update(ill_since=timezone.now() - advance.GIVE_UP - timedelta(seconds=1))

    many.go_on()

    assert many.states() == ["failed"] * 6
    assert many.messages() == {f"DigitalOcean is having trouble answering. {advance.NOTHING}"}
    assert Job.objects.get().state == "ended"


@pytest.mark.parametrize("loss", ["disconnected", "read only", "deactivated", "needs reconnect", "deleted"])
def test_the_owner_loses_the_access_in_the_middle(many: Many, loss: str) -> None:
    many.start("reboot", at_once=1)
    many.work()
    match loss:
        case "disconnected":
            many.person.client.post(f"/accounts/connections/{many.person.connections[0].pk}/disconnect/")
        case "read only":
            Connection.objects.update(scope="read")
        case "deactivated":
            User.objects.update(is_active=False)
        case "needs reconnect":
            Connection.objects.update(state=Connection.State.NEEDS_RECONNECT)
        case "deleted":
            User.objects.all().delete()

    many.go_on(times=2)

    assert many.sent() == 1
    if loss == "deleted":
        assert not Job.objects.exists()
        return
    assert many.states()[1:] == ["failed"] * 5
    assert all(message.endswith(advance.NOTHING) for message in many.messages() if message and "before" not in message)
    assert Job.objects.get().state == "ended"


def test_cancelled_while_it_is_being_sent(many: Many, monkeypatch: pytest.MonkeyPatch) -> None:
    job = many.start("reboot", at_once=2)
    record = advance._record

    def cancelled(*args: object) -> object:
        many.person.client.post(f"/jobs/{job.pk}/cancel/")
        return record(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(advance, "_record", cancelled)

    many.go_on(times=2)

    assert many.sent() == 0
    assert many.states() == ["cancelled"] * 6


def test_the_rate_limit_is_respected(many: Many, monkeypatch: pytest.MonkeyPatch) -> None:
    later = timezone.now() + timedelta(seconds=40)
    many.start("reboot")
    monkeypatch.setattr("droplets.calls.rate_limit.reserve", lambda *args, **more: later)

    many.work()

    assert many.sent() == 0
    assert JobTeam.objects.get().send_after == later


def test_the_queries_of_a_round_do_not_grow_with_the_job(many: Many) -> None:
    def queries(waiting: int) -> int:
        job = many.start("reboot")
        part = JobTeam.objects.get(job=job)
        JobStep.objects.bulk_create(
            [JobStep(team=part, droplet_id=at, droplet_name="x") for at in range(9000, 9000 + waiting)]
        )
        with CaptureQueriesContext(
            database,
        ) as found:
            advance.advance(job.pk, part.connection_id)
        Action.objects.all().delete()
        Job.objects.all().delete()
        many.sandbox.forward(60)
        return len(found)

    assert queries(500) <= queries(0) + 2


@pytest.mark.django_db(transaction=True)
def test_without_a_broker_the_schedule_finds_the_job(
    many: Many, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    away = Celery("away", broker="redis://127.0.0.1:9/0", set_as_current=False)
    away.conf.update(task_publish_retry=False, broker_transport_options={"max_retries": 0})
    monkeypatch.setattr("common.tasks._paused_until", 0.0)
    name = tasks.advance_job.name
    monkeypatch.setattr(tasks, "advance_job", away.task(name=name)(tasks.advance_job.run))
    job = many.start("reboot", at_once=20)
    assert "The broker did not take a message" in caplog.text
    monkeypatch.undo()

    enqueue(tasks.advance_jobs)

    assert run_tasks() == ["droplets.advance_jobs", "droplets.advance_job"]
    assert many.states() == ["running"] * 6
    assert Job.objects.get() == job


def test_an_unknown_job_is_nothing(db: None) -> None:
    assert advance.advance(uuid4(), uuid4()) is None
