"""Checks of the broker and the workers: a message is sent to each queue, and a worker has to answer it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

from celery import shared_task
from django.db.models import Min
from django.utils import timezone

from common.tasks import QUEUES
from conveyor.celery import app
from conveyor.doctor.findings import Finding, note, ok, unavailable
from droplets.models import Action, JobTeam, TeamReading

SECONDS = 20.0
"""How long a worker may take to answer. It may be busy: a task takes up to two minutes, most far less."""

_REPLY = re.compile(r"doctor-[0-9a-f]{32}")
_LATE = 300  # seconds
_START = "Start one, as docs/engine.md says: celery -A conveyor worker"


@shared_task(name="conveyor.answer_doctor")
def answer_doctor(reply_to: str) -> None:
    """Answer on the queue `reply_to`, which exists for one check alone."""
    if _REPLY.fullmatch(reply_to):
        with app.connection_for_write() as broker, broker.Producer() as producer:
            producer.publish("here", exchange="", routing_key=reply_to, serializer="json", expiration=60)


def check_workers() -> Iterator[Finding]:
    """The broker takes messages, and a worker answers on each queue."""
    replies = {queue: f"doctor-{uuid4().hex}" for queue in QUEUES}
    try:
        for queue, reply_to in replies.items():
            answer_doctor.apply_async(args=(reply_to,), queue=queue, expires=SECONDS)
    except Exception as error:  # kombu and redis raise many kinds; their text may hold the URL
        yield unavailable(
            "Broker",
            f"It takes no message ({type(error).__name__}).",
            "Start Redis and check REDIS_URL; without REDIS_URL, check QUEUE_DIR.",
        )
        return
    yield ok("Broker", "It takes messages.")
    answered = _wait_for(replies)
    for queue in replies:
        if queue in answered:
            yield ok("Workers", f"A worker answers on queue {queue}.")
        else:
            yield unavailable("Workers", f"No worker answered on queue {queue} within {SECONDS:.0f} seconds.", _START)
    yield from _check_schedule()


def _wait_for(replies: dict[str, str]) -> set[str]:
    answered: set[str] = set()
    ends = monotonic() + SECONDS
    with app.connection_for_read() as broker:
        channel: Any = broker.default_channel  # one of kombu's virtual ones, which have more methods
        while answered != replies.keys() and monotonic() < ends:
            answered |= {
                q for q, reply in replies.items() if q not in answered and channel.basic_get(reply, no_ack=True)
            }
            sleep(0.1)
        if "redis" not in str(broker.transport_cls):
            for reply in replies.values():
                channel.queue_purge(reply)  # Redis keeps no empty queue; the files' answers must not stay either
    return answered


def _check_schedule() -> Iterator[Finding]:
    """What has been due for minutes shows that the scheduler does not run, or that the workers do not keep up."""
    now = timezone.now()
    oldest = {
        "actions": Action.objects.in_flight().filter(ask_at__lte=now).aggregate(since=Min("ask_at"))["since"],
        "jobs": JobTeam.objects.filter(due_at__lte=now).aggregate(since=Min("due_at"))["since"],
        "readings of teams": TeamReading.objects.filter(due_at__lte=now).aggregate(since=Min("due_at"))["since"],
    }
    late = {work: int((now - since).total_seconds()) for work, since in oldest.items() if since}
    late = {work: seconds for work, seconds in late.items() if seconds > _LATE}
    for work, seconds in late.items():
        yield note(
            "Schedule",
            f"Some {work} have been due for {seconds // 60} minutes.",
            "Is one scheduler running (celery -A conveyor beat)? If it is, start more workers.",
        )
    if not late:
        yield ok("Schedule", "Nothing has been due for more than five minutes.")
