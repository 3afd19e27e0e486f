"""What is stored about a person here, for `accounts.personal_data`."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from accounts.models import User
from accounts.personal_data import Row, register, rows
from droplets.models import Action, Change, Delivery, Job, JobStep, SavedView, Watcher


def _actions(user: User) -> Iterable[Row]:
    return rows(
        Action.objects.filter(user=user).order_by("recorded_at", "pk"),
        "id", "connection_id", "team_uuid", "team_name", "droplet_id", "droplet_name", "kind", "parameters", "status",
        "digitalocean_id", "request_id", "words", "recorded_at", "sent_at", "began_at", "ended_at",
    )  # fmt: skip


def _jobs(user: User) -> Iterable[Row]:
    return rows(
        Job.objects.filter(user=user).order_by("created_at", "pk"),
        "id", "kind", "parameters", "at_once", "pause", "count", "state", "created_at", "started_at", "ended_at",
    )  # fmt: skip


def _job_steps(user: User) -> Iterable[Row]:
    return rows(
        JobStep.objects.filter(team__job__user=user).order_by("pk"),
        "team__job_id", "team__team_name", "droplet_id", "droplet_name", "state", "action_id", "message",
    )  # fmt: skip


def _views(user: User) -> Iterable[Row]:
    return rows(SavedView.objects.filter(user=user).order_by("saved_at", "pk"), "id", "name", "query", "saved_at")


def _watchers(user: User) -> Iterable[Row]:
    """A webhook's URL may hold a secret in its path, as Slack's do: its host alone."""
    watchers = Watcher.objects.filter(user=user).order_by("created_at", "pk")
    urls = {watcher.pk: watcher.webhook_url for watcher in watchers}
    found = rows(
        watchers, "id", "view_id", "condition", "price", "minutes", "by_email", "quiet_from", "quiet_to", "time_zone",
        "is_paused", "created_at", "since",
    )  # fmt: skip
    return ({**row, "webhook_url": urlsplit(urls.get(row["id"], "")).hostname or ""} for row in found)


def _messages(user: User) -> Iterable[Row]:
    return rows(
        Delivery.objects.filter(watcher__user=user).order_by("created_at", "pk"),
        "id", "watcher_id", "channel", "is_test", "events", "count", "status", "result", "created_at", "ended_at",
    )  # fmt: skip


def _changes(user: User) -> Iterable[Row]:
    return rows(
        Change.objects.filter(user=user).order_by("pk"),
        "id", "team_name", "droplet_id", "droplet_name", "kind", "before", "after", "at", "action_id",
    )  # fmt: skip


register("actions", "the actions on droplets that you have started", _actions)
register("jobs", "your jobs: actions on many droplets", _jobs)
register("job_steps", "what came of each droplet of your jobs", _job_steps)
register("views", "your saved views", _views)
register("watchers", "your watchers, with the host of their webhooks", _watchers)
register("messages", "what your watchers have told you", _messages)
register("changes", "the changes of droplets that came from your actions", _changes)
