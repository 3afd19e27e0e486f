"""Actions and jobs are deleted after ACTION_DAYS, and never while they are under way."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from droplets.models import Action, Job, JobStep
from droplets.tasks import delete_old_actions
from tests.droplets.jobs.many import Many

OLD = timedelta(days=settings.ACTION_DAYS, minutes=1)


def let_them_age() -> None:
    long_ago = timezone.now() - OLD
    Action.objects.update(recorded_at=long_ago)
    Job.objects.update(created_at=long_ago)
    Job.objects.filter(state=Job.State.ENDED).update(ended_at=long_ago)


def finish(many: Many) -> Job:
    job = many.start("reboot")
    many.go_on(times=5)
    job.refresh_from_db()
    assert job.state == Job.State.ENDED
    return job


def test_an_old_job_and_its_actions_go(many: Many) -> None:
    finish(many)
    let_them_age()

    delete_old_actions()

    assert not Job.objects.exists()
    assert not JobStep.objects.exists()
    assert not Action.objects.exists()


def test_newer_ones_stay(many: Many) -> None:
    finish(many)

    delete_old_actions()

    assert Job.objects.count() == 1
    assert Action.objects.count() == JobStep.objects.count() == 6


def test_what_is_under_way_stays_however_old(many: Many) -> None:
    many.start("reboot", at_once=2)
    Action.objects.update(status=Action.Status.IN_PROGRESS)
    let_them_age()

    delete_old_actions()

    assert Job.objects.get().state == Job.State.RUNNING
    assert JobStep.objects.count() == 6


def test_a_draft_that_nobody_confirmed_goes(many: Many) -> None:
    many.select("reboot")
    let_them_age()

    delete_old_actions()

    assert not Job.objects.exists()
