"""The brokers: what is no message goes, what has expired goes, and what is urgent comes first."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from allauth.socialaccount.models import SocialToken
from celery import Celery
from django.utils import timezone
from redis import Redis

from accounts import tasks, webhook_secrets
from accounts.models import Connection
from common.tasks import KEEP
from conveyor import queue_files
from conveyor.celery_config import beat_schedule
from droplets.models import Delivery, SavedView, Watcher
from droplets.watchers.tasks import send_message
from tests.support.clock import Calendar
from tests.support.engine import Engine, engine
from tests.support.raw import http, raw
from tests.support.waiting import wait_until

PREFIX = f"{os.environ['CACHE_PREFIX']}:queue:"


def expire(connection: Connection) -> None:
    SocialToken.objects.filter(connection=connection).update(expires_at=timezone.now())


def sender(broker: dict[str, str]) -> Celery:
    """A process that sends messages, with a worker's own settings of this broker."""
    app = Celery("sender", set_as_current=False)
    if broker["REDIS_URL"]:
        from conveyor import queue_redis

        queue_redis.register()
        app.conf.broker_url = broker["REDIS_URL"]
        app.conf.broker_transport_options = {"global_keyprefix": PREFIX}
    else:
        directory = Path(broker["QUEUE_DIR"])
        directory.mkdir(exist_ok=True)
        app.conf.broker_url = f"{queue_files.SCHEME}://localhost//"
        app.conf.broker_transport_options = {
            "data_folder_in": str(directory),
            "data_folder_out": str(directory),
            "control_folder": str(directory / "control"),
        }
    return app


def waiting(broker: dict[str, str]) -> int:
    """How many messages wait in the queue `keep`."""
    if broker["REDIS_URL"]:
        with Redis.from_url(broker["REDIS_URL"]) as redis:
            return int(redis.llen(f"{PREFIX}{KEEP}"))  # type: ignore[arg-type]  # or an awaitable, elsewhere
    return len(list(Path(broker["QUEUE_DIR"]).glob(f"*.{KEEP}.msg")))


def test_messages_that_have_expired_do_not_pile_up_while_no_worker_runs(
    broker: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    calendar = Calendar()
    monkeypatch.setattr(timezone, "now", calendar)
    app = sender(broker)
    name, queue = tasks.refresh_tokens.name, KEEP
    app.send_task(name, queue=queue)
    for _ in range(30):
        app.send_task(name, queue=queue, expires=60)
    assert waiting(broker) == 31
    calendar.move_on(seconds=62)

    app.send_task(name, queue=queue, expires=600)

    assert waiting(broker) == 2  # the one that does not expire, and the one that has not
    app.close()


def test_whatever_the_scheduler_sends_expires() -> None:
    assert all(entry["options"]["expires"] >= entry["schedule"] for entry in beat_schedule.values())


NO_MESSAGES = [b"{", b"\xff", b"[" * 100_000, b"[]", b"7", b"null", b'"text"', b"{}", b'{"headers": {}}']


@pytest.mark.parametrize("broker", ["redis"], indirect=True)
def test_texts_in_redis_that_are_no_messages(connection: Connection, worker: Engine, broker: dict[str, str]) -> None:
    """Each would end the worker."""
    with Redis.from_url(broker["REDIS_URL"]) as redis:
        for text in NO_MESSAGES:
            redis.lpush(f"{PREFIX}{KEEP}", text)
    expire(connection)
    app = sender(broker)

    app.send_task(tasks.refresh_some.name, args=(str(connection.pk),), queue=KEEP)

    wait_until(lambda: Connection.objects.get().generation == connection.generation + 1, seconds=60)
    app.close()
    assert worker.stop() == 0
    assert worker.output.count("is no message, and was dropped") == len(NO_MESSAGES)


def test_tokens_are_refreshed_before_messages_of_watchers_are_sent(
    connection: Connection, broker: dict[str, str], tmp_path: Path
) -> None:
    """A receiver that is slow to answer holds the only worker."""
    user = connection.user
    view = SavedView.objects.create(user=user, name="Mine", query="")
    expire(connection)
    app = sender(broker)
    with raw(http(b""), pause=0.1) as receiver:
        watcher = Watcher(user=user, view=view, condition="new", by_email=False, webhook_url=receiver.url)
        webhook_secrets.renew(watcher)
        watcher.save()
        delivery = Delivery.objects.create(watcher=watcher, channel="webhook", is_test=True, due_at=timezone.now())
        app.send_task(send_message.name, args=(str(delivery.pk),), queue=send_message.queue)
        app.send_task(tasks.refresh_some.name, args=(str(connection.pk),), queue=tasks.refresh_some.queue)
        environment = broker | {"WEBHOOK_PRIVATE": "True"}

        with engine("worker", "--concurrency", "1", log=tmp_path / "worker.log", environment=environment):
            wait_until(lambda: receiver.requests, seconds=60)
            assert Connection.objects.get().generation == connection.generation + 1
    app.close()
