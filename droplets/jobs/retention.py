"""How long actions and jobs are kept: ACTION_DAYS."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from droplets.models import Action, Job

_DELETED_AT_ONCE = 1_000


def delete_old() -> None:
    """Delete actions that have ended, and jobs, that are older than ACTION_DAYS. What is under way is kept.

    Also deletes jobs that nobody has confirmed.
    """
    before = timezone.now() - timedelta(days=settings.ACTION_DAYS)
    jobs = Job.objects.filter(
        Q(state=Job.State.ENDED, ended_at__lt=before) | Q(state=Job.State.DRAFT), created_at__lt=before
    )
    while pks := list(jobs.order_by("pk").values_list("pk", flat=True)[:100]):  # each has up to thousands of steps
        Job.objects.filter(pk__in=pks).delete()
    actions = Action.objects.filter(recorded_at__lt=before).exclude(status__in=Action.IN_FLIGHT)
    # The steps of a job that goes on know what came of them by their actions.
    actions = actions.exclude(step__team__job__state=Job.State.RUNNING)
    while pks := list(actions.order_by("pk").values_list("pk", flat=True)[:_DELETED_AT_ONCE]):
        Action.objects.filter(pk__in=pks).delete()
