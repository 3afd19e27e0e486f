"""The admin's lists of actions and jobs. Nobody acts on a droplet there."""

from datetime import datetime, timedelta
from functools import partial

from django.contrib import admin
from django.contrib.admin import DateFieldListFilter
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from accounts.admin import ReadOnly
from accounts.models import User
from accounts.support import incidents
from accounts.support.incidents import HungAction
from accounts.support.list_filters import choice_filter
from accounts.support.list_search import ListSearch, Related
from accounts.support.lists import DeskList
from accounts.support.numbers import Number, register, today, url_of
from droplets.actions.kinds import KINDS
from droplets.models import Action, Job, JobTeam

HANGS = timedelta(minutes=10)
"""An action or a job that has not gone on for so long is looked at."""

_MOST_HUNG = 200
"""On the page about an incident."""


def _stuck_since() -> datetime:
    return timezone.now() - HANGS


def stuck_jobs() -> Q:
    """Jobs with a team that no worker has gone on with, or that DigitalOcean has not answered for."""
    part = Q(due_at__lt=_stuck_since()) | Q(ill_since__lt=_stuck_since())
    return Q(Exists(JobTeam.objects.filter(part, job=OuterRef("pk"))), state=Job.State.RUNNING)


_ACTIONS_BY_END = choice_filter("ended", "how it ended", {
    "hangs": ("Under way for more than 10 minutes", lambda: Q(
        status__in=Action.IN_FLIGHT, recorded_at__lt=_stuck_since()
    )),
    "badly": ("Failed, refused or lost", lambda: Q(
        status__in=(Action.Status.ERRORED, Action.Status.REFUSED, Action.Status.LOST)
    )),
})  # fmt: skip

_ACTIONS_BY_KIND = choice_filter(
    "kind", "action", {slug: (kind.title, partial(Q, kind=slug)) for slug, kind in KINDS.items()}
)

_JOBS_BY_PROGRESS = choice_filter("progress", "progress", {"stuck": ("Does not go on", stuck_jobs)})


@admin.register(Action)
class ActionAdmin(ReadOnly, DeskList):
    list_display = ("recorded_at", "kind", "droplet_name", "team_name", "user", "status", "words", "digitalocean_id")
    list_filter = ("status", _ACTIONS_BY_END, _ACTIONS_BY_KIND, ("recorded_at", DateFieldListFilter))
    list_select_related = ("user",)
    sortable_by = ("recorded_at",)
    search = ListSearch(
        texts=("droplet_name", "team_name"),
        exact=("request_id",),
        uuids=("pk", "connection_id"),
        numbers=("droplet_id", "digitalocean_id"),
        related=(Related("user", User, "pk", texts=("email",)),),
    )
    search_help_text = "A part of a droplet's or a team's name or of an email address, or any id."
    rows_about = "user"
    csv_columns = (
        "id", "recorded_at", "kind", "droplet_id", "droplet_name", "team_name", "user__email", "status", "words",
        "digitalocean_id", "request_id", "sent_at", "began_at", "ended_at",
    )  # fmt: skip
    exclude = ("key",)


@admin.register(Job)
class JobAdmin(ReadOnly, DeskList):
    list_display = ("created_at", "kind", "user", "count", "state", "started_at", "ended_at")
    list_filter = ("state", _JOBS_BY_PROGRESS, ("created_at", DateFieldListFilter))
    list_select_related = ("user",)
    sortable_by = ("created_at",)
    search = ListSearch(uuids=("pk",), related=(Related("user", User, "pk", texts=("email",)),))
    search_help_text = "A part of the owner's email address, or the id of a job."
    rows_about = "user"
    csv_columns = ("id", "created_at", "kind", "user__email", "count", "state", "started_at", "ended_at")


def _lost_actions() -> Number:
    since, lost = today(), Action.Status.LOST
    return Number(
        "Actions lost today",
        Action.objects.filter(status=lost, recorded_at__gte=since).count(),
        url_of(Action, status__exact=lost, recorded_at__gte=str(since)),
    )


def _stuck_jobs() -> Number:
    return Number("Jobs that do not go on", Job.objects.filter(stuck_jobs()).count(), url_of(Job, progress="stuck"))


def _hung(start: datetime, end: datetime, people: QuerySet[User]) -> list[HungAction]:
    """Actions that were started in that time, and were lost or took longer than `HANGS`."""
    took_long = Q(ended_at__gt=F("recorded_at") + HANGS) | Q(
        status__in=Action.IN_FLIGHT, recorded_at__lt=_stuck_since()
    )
    found = Action.objects.filter(
        took_long | Q(status=Action.Status.LOST), recorded_at__gte=start, recorded_at__lt=end, user__in=people
    )
    return [
        HungAction(
            what=f"{KINDS[each.kind].title if each.kind in KINDS else each.kind}, {each.droplet_name}",
            person=each.user.email if each.user else "",
            user_id=each.user_id,
            team=each.team_name,
            status=each.get_status_display(),
            recorded_at=each.recorded_at,
            ended_at=each.ended_at,
            url=reverse("admin:droplets_action_change", args=[each.pk]),
        )
        for each in found.select_related("user").order_by("recorded_at")[:_MOST_HUNG]
    ]


incidents.register(_hung)
register("droplets.view_action", _lost_actions)
register("droplets.view_job", _stuck_jobs)
