"""A worker is killed while it sends the message of a watcher. The next one sends it, and the receiver can tell."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from accounts import webhook_secrets
from droplets.models import Delivery, SavedView, Watcher
from droplets.watchers import deliveries
from droplets.watchers.tasks import send_due_messages
from tests.support.engine import engine
from tests.support.person import Person
from tests.support.raw import http, raw
from tests.support.sandbox import Sandbox
from tests.support.waiting import wait_until


def delivery_of(request: bytes) -> str:
    return re.findall(rb"Conveyor-Delivery: ([0-9a-f-]+)", request)[0].decode()


def test_a_message_of_a_killed_worker_is_sent_by_the_next(
    digitalocean: Sandbox, transactional_db: None, tmp_path: Path
) -> None:
    alice = Person(digitalocean, "alice@example.com")
    alice.sign_up()
    view = SavedView.objects.create(user=alice.user, name="Mine", query="")
    environment = {"WEBHOOK_PRIVATE": "True"}
    # The first answer comes a byte at a time.
    with raw(http(b""), pause=1) as slow, raw(http(b"")) as receiver:
        watcher = Watcher(user=alice.user, view=view, condition="new", by_email=False)
        watcher.webhook_url = slow.url
        webhook_secrets.renew(watcher)
        watcher.save()
        with transaction.atomic():
            deliveries.queue(watcher, [{"text": "Something has happened"}])
        Delivery.objects.update(due_at=timezone.now())
        send_due_messages()
        with engine("worker", "--concurrency", "1", log=tmp_path / "first.log", environment=environment) as first:
            wait_until(lambda: slow.requests, seconds=60)
            first.kill()
        assert Delivery.objects.get().status == "waiting"
        watcher.webhook_url = receiver.url
        watcher.save()
        Delivery.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        send_due_messages()

        with engine("worker", "--concurrency", "1", log=tmp_path / "second.log", environment=environment):
            wait_until(lambda: Delivery.objects.get().status == "sent", seconds=60)

    assert Delivery.objects.get().attempts == 2
    assert [delivery_of(request) for request in (*slow.requests, *receiver.requests)] == [
        str(Delivery.objects.get().pk)
    ] * 2
