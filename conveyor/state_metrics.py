"""What waits now, asked for at each scrape: rows that are due, messages, connections and jobs by state.

Rows are the truth about work that is due, so their number and age tell whether the workers keep up, whatever happens to
messages. A part that does not answer leaves out its metrics and sets `conveyor_up` to 0.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from django.db import connections
from django.db.models import Count, Max, Min, Model, QuerySet
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from accounts import keepalive, spill
from accounts.models import Connection, Revocation
from common.tasks import QUEUES
from conveyor import caches
from conveyor.celery import app
from droplets.models import Action, Delivery, Job, JobTeam, TeamReading

log = logging.getLogger(__name__)

_BROKER_SECONDS = 2


class StateCollector:
    """For a registry of prometheus_client."""

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("conveyor_up", "1 where this part answers.", labels=["part"])
        try:
            for part, ask in (("database", _database), ("broker", _broker), ("cache", _cache)):
                found = _answer(part, ask)
                up.add_metric([part], 0.0 if found is None else 1.0)
                yield from found or ()
            yield up
        finally:
            connections.close_all()  # this thread's own; each scrape has a thread


def _answer(part: str, ask: Callable[[], list[Metric]]) -> list[Metric] | None:
    try:
        return ask()
    except Exception as error:  # whatever it is, the other parts' metrics are shown
        log.warning("Metrics of the %s are missing: %s", part, type(error).__name__)
        return None


def _due() -> dict[str, QuerySet[Model]]:
    """The rows that wait for a worker, each with a field `due_at` or `ask_at`."""
    now = timezone.now()
    rows: dict[str, QuerySet[Model]] = {
        "revocations": Revocation.objects.filter(due_at__lte=now),
        "jobs": JobTeam.objects.filter(due_at__lte=now),
        "readings": TeamReading.objects.filter(due_at__lte=now),
        "messages": Delivery.objects.filter(status=Delivery.Status.WAITING, due_at__lte=now),
        "actions": Action.objects.filter(status__in=Action.IN_FLIGHT, ask_at__lte=now),
    }
    return rows


def _database() -> list[Metric]:
    depth = GaugeMetricFamily("conveyor_due_rows", "Rows that are due and wait for a worker.", labels=["work"])
    age = GaugeMetricFamily(
        "conveyor_due_oldest_seconds", "Seconds since the longest waiting row became due.", labels=["work"]
    )
    now = timezone.now()
    for work, rows in _due().items():
        found = rows.order_by().aggregate(count=Count("pk"), since=Min("ask_at" if work == "actions" else "due_at"))
        depth.add_metric([work], found["count"])
        age.add_metric([work], _seconds(now, found["since"]))
    return [
        depth,
        age,
        _by_state("conveyor_connections", "Connections by state.", Connection.objects.all(), "state"),
        _by_state("conveyor_jobs", "Jobs by state.", Job.objects.all(), "state"),
        _by_state("conveyor_actions_under_way", "Actions that have not ended.", Action.objects.in_flight(), "status"),
        _one("conveyor_revocations_waiting", "Tokens that are to be revoked.", keepalive.backlog()),
        _one("conveyor_spill_files", "Answers of DigitalOcean that the database has not stored.", len(spill.waiting())),
        _one(
            "conveyor_last_refresh_seconds",
            "Seconds since a token was refreshed.",
            _seconds(now, Connection.objects.aggregate(last=Max("refreshed_at"))["last"]),
        ),
    ]


def _broker() -> list[Metric]:
    waiting = GaugeMetricFamily("conveyor_queue_messages", "Messages that wait for a worker.", labels=["queue"])
    with app.connection_for_read(transport_options={"socket_timeout": _BROKER_SECONDS}) as broker:
        broker.ensure_connection(max_retries=1, timeout=_BROKER_SECONDS)
        channel: Any = broker.default_channel  # one of kombu's virtual ones, which know the size of a queue
        for queue in QUEUES:
            waiting.add_metric([queue], channel._size(queue))
    return [waiting]


def _cache() -> list[Metric]:
    caches.ping()
    return []


def _by_state(name: str, text: str, rows: QuerySet[Model], field: str) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[field])
    for state, number in rows.order_by().values_list(field).annotate(Count("pk")):
        family.add_metric([state], number)
    return family


def _one(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def _seconds(now: datetime, since: datetime | None) -> float:
    return max((now - since).total_seconds(), 0.0) if since else 0.0
