"""Jobs while DigitalOcean is ill for long, while the clock is moved, and two requests at the same moment."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from common.tasks import enqueue
from droplets.jobs import advance, tasks
from droplets.models import Action, Job, JobTeam
from tests.droplets.jobs.many import Many
from tests.support.at_once import at_once, tab
from tests.support.clock import Calendar
from tests.support.engine import run_tasks


@pytest.fixture
def calendar(many: Many, monkeypatch: pytest.MonkeyPatch) -> Calendar:
    calendar = Calendar()
    monkeypatch.setattr(timezone, "now", calendar)
    return calendar


def go_on(many: Many, calendar: Calendar, *, minutes: float) -> None:
    """Time goes by, here and at DigitalOcean, and every five seconds the schedule sends what is due."""
    for _ in range(int(minutes * 12)):
        calendar.move_on(seconds=5)
        many.sandbox.forward(5)
        many.work()


# Works


@pytest.mark.django_db(transaction=True)
def test_two_people_confirm_at_the_same_moment(many: Many) -> None:
    """Or two tabs of one browser: there is one job, and each droplet is in it once."""
    run_tasks()  # what another test has left
    job = Job.objects.get(pk=many.select("reboot")["Location"].split("/")[2])
    clients = [Many(tab(many.person)) for _ in range(4)]

    answers = at_once(*[lambda each=each: each.confirm(job, at_once=20) for each in clients])

    assert {answer["Location"] for answer in answers} == {f"/jobs/{job.pk}/"}
    assert run_tasks() == ["droplets.advance_job"]
    assert many.states() == ["running"] * 6
    assert many.sent() == 6


@pytest.mark.django_db(transaction=True)
def test_two_schedulers_by_mistake(many: Many) -> None:
    run_tasks()
    many.start("reboot", at_once=20)
    for _ in range(2):
        enqueue(tasks.advance_jobs)

    assert run_tasks().count("droplets.advance_jobs") == 2

    assert many.sent() == 6


# Handles


def test_digitalocean_is_ill_for_ten_minutes_in_the_middle(many: Many, calendar: Calendar) -> None:
    many.start("reboot", at_once=2)
    many.work()
    many.sandbox.fault("status", path="/v2/", status=503)
    before = many.sandbox.counters().total

    go_on(many, calendar, minutes=10)

    assert many.states() == ["running"] * 2 + ["waiting"] * 4
    assert JobTeam.objects.get().waits_for == "DigitalOcean is having trouble answering."
    assert many.sandbox.counters().total - before < 250  # it is asked less and less often, each time up to three times
    many.sandbox.clear_faults()
    go_on(many, calendar, minutes=3)
    assert many.states() == ["done"] * 6
    assert many.sent() == 6
    assert Job.objects.get().state == "ended"
    assert JobTeam.objects.get().ill_since is None


def test_the_answers_to_actions_are_lost_for_ten_minutes(many: Many, calendar: Calendar) -> None:
    """Each takes effect at DigitalOcean; none is sent again."""
    many.start("reboot", at_once=2)
    many.sandbox.fault("reset", path="/actions$", method="POST", phase="after")

    go_on(many, calendar, minutes=10)

    many.sandbox.clear_faults()
    go_on(many, calendar, minutes=3)
    assert many.states() == ["done"] * 6
    assert len(many.sandbox.actions()) == many.sent() == 6


@pytest.mark.parametrize("minutes", [-24 * 60, -60, -30, -5, 5, 60, 24 * 60])
def test_the_clock_is_moved_in_the_middle(many: Many, calendar: Calendar, minutes: int) -> None:
    many.start("reboot", at_once=2, pause=10)
    many.work()

    calendar.move_on(minutes=minutes)
    go_on(many, calendar, minutes=3)

    assert many.states() == ["done"] * 6
    assert many.sent() == 6


@pytest.mark.parametrize("minutes", [-60, 60])
def test_the_clock_is_moved_while_a_worker_has_the_lease(
    many: Many, calendar: Calendar, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    """Another worker takes the part; the first one sends nothing."""
    job = many.start("reboot", at_once=2)
    part = JobTeam.objects.get()
    record = advance._record

    def moved(*args: object) -> object:
        monkeypatch.setattr(advance, "_record", record)
        calendar.move_on(minutes=minutes)
        many.work()
        return record(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(advance, "_record", moved)

    assert advance.advance(job.pk, part.connection_id) is None
    assert many.sent() == 2
    assert Action.objects.count() == 2
    go_on(many, calendar, minutes=3)
    assert many.states() == ["done"] * 6
    assert many.sent() == 6


def test_a_pause_is_kept_after_the_clock_was_set_back(many: Many, calendar: Calendar) -> None:
    many.start("reboot", at_once=1, pause=300)
    many.work()
    go_on(many, calendar, minutes=0.5)
    calendar.move_on(days=-1)

    go_on(many, calendar, minutes=1)

    assert many.states() == ["done", "running"] + ["waiting"] * 4 or many.sent() == 2
    go_on(many, calendar, minutes=4)
    assert many.sent() == 2
    assert JobTeam.objects.get().send_after == pytest.approx(calendar.now, abs=timedelta(minutes=5))
