"""Background work by real workers and schedulers, on both brokers: files, and Redis."""

from __future__ import annotations

import base64
import json
import os
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from allauth.socialaccount.models import SocialToken
from celery import Celery
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone
from redis import Redis

import common.tasks
from accounts import tasks
from accounts.models import Connection, Event
from common.tasks import KEEP, enqueue
from conveyor import celery_config
from conveyor.celery import app
from droplets.models import Action, TeamReading
from droplets.tasks import follow_actions
from tests.support.engine import Engine, engine, run_tasks
from tests.support.redis_server import RedisServer
from tests.support.sandbox import Sandbox
from tests.support.waiting import wait_until

DROPLET = 4711


def expire(connection: Connection) -> None:
    SocialToken.objects.filter(connection=connection).update(expires_at=timezone.now())


def test_tokens_are_refreshed_while_nobody_looks(
    connection: Connection, digitalocean: Sandbox, worker: Engine, broker: dict[str, str], tmp_path: Path
) -> None:
    expire(connection)

    with (
        engine("beat", log=tmp_path / "beat.log", environment=broker),
        engine("beat", log=tmp_path / "other.log", environment=broker),  # by mistake
    ):
        wait_until(lambda: Connection.objects.get().generation == connection.generation + 1, seconds=60)

    assert worker.stop() == 0
    assert digitalocean.counters().refresh_requests == 1
    assert "doo_v1_" not in worker.output


def test_what_a_killed_worker_left_is_done_by_the_next(
    connection: Connection, digitalocean: Sandbox, broker: dict[str, str], tmp_path: Path
) -> None:
    expire(connection)
    fault = digitalocean.fault("hang", path="/v1/oauth/token", times=1)
    with (
        engine("worker", "--concurrency", "1", log=tmp_path / "1.log", environment=broker) as first,
        engine("beat", log=tmp_path / "beat-1.log", environment=broker),
    ):
        wait_until(lambda: digitalocean.hits(fault) == 1, seconds=60)
        first.kill()
    Connection.objects.update(lease_until=timezone.now())  # the lease of the dead worker has run out

    with (
        engine("worker", "--concurrency", "1", log=tmp_path / "2.log", environment=broker),
        engine("beat", log=tmp_path / "beat-2.log", environment=broker),
    ):
        wait_until(lambda: Connection.objects.get().generation == connection.generation + 1, seconds=60)


MALFORMED: list[dict[str, Any]] = [
    {"body": "!", "headers": {"task": "accounts.refresh_tokens", "id": "1"}},  # no base64
    {"headers": {"task": ["act"], "id": "1"}},
    {"headers": {"task": "accounts.refresh_tokens", "id": ["1"]}},
    {"headers": {"task": "accounts.refresh_tokens"}},
    {"headers": {"task": "os.system", "id": "1"}},
    {"headers": {"task": "accounts.refresh_tokens", "id": "1", "timelimit": "x"}},
    {
        "body": base64.b64encode(b'[["no id"], {}, {}]').decode(),
        "headers": {"task": "accounts.refresh_some", "id": "1"},
    },
]


def test_malformed_messages_do_not_end_the_worker(
    connection: Connection, digitalocean: Sandbox, worker: Engine, broker: dict[str, str], tmp_path: Path
) -> None:
    """Celery would end it, and the message would come back to the next one."""
    for index, changed in enumerate(MALFORMED):
        info = {"exchange": "", "routing_key": KEEP}
        properties = {"delivery_tag": str(index), "delivery_info": info, "body_encoding": "base64"}
        message = {"body": "W1tdLCB7fSwge31d", "content-type": "application/json", "content-encoding": "utf-8"}
        text = json.dumps(message | {"properties": properties, "headers": {}} | changed)
        if broker["REDIS_URL"]:
            Redis.from_url(broker["REDIS_URL"]).lpush(f"{os.environ['CACHE_PREFIX']}:queue:{KEEP}", text)
        else:
            Path(broker["QUEUE_DIR"], f"{index}.{KEEP}.msg").write_text(text)
    expire(connection)

    with engine("beat", log=tmp_path / "beat.log", environment=broker):
        wait_until(lambda: Connection.objects.get().generation == connection.generation + 1, seconds=60)

    assert worker.stop() == 0
    assert worker.output.count("A malformed message was dropped") == 5


@pytest.mark.skipif(bool(settings.REDIS_URL), reason="the messages are files only without Redis")
@pytest.mark.parametrize("kind", ["no JSON", "no UTF-8", "no message", "nested", "link", "pipe", "directory"])
def test_a_file_that_is_no_message(connection: Connection, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    path = Path(settings.QUEUE_DIR, f"0.{KEEP}.msg")
    match kind:
        case "link":
            path.symlink_to("/dev/zero")
        case "pipe":
            os.mkfifo(path)
        case "directory":
            path.mkdir()
        case _:
            text = {"no JSON": b"{", "no UTF-8": b"\xff", "no message": b"[]", "nested": b"[" * 100_000}
            path.write_bytes(text[kind])
    enqueue(tasks.expire_resets)

    assert run_tasks() == ["accounts.expire_resets"]

    assert not os.path.lexists(path)
    assert caplog.text.count("is no message, and was dropped") == 1


def test_a_redis_that_goes_away_and_comes_back_empty(
    connection: Connection, digitalocean: Sandbox, tmp_path: Path
) -> None:
    server = RedisServer(tmp_path)
    environment = {"REDIS_URL": server.url}
    try:
        with (
            engine("worker", "--concurrency", "1", log=tmp_path / "worker.log", environment=environment) as worker,
            engine("beat", log=tmp_path / "beat.log", environment=environment) as beat,
        ):
            wait_until(lambda: "ready" in worker.output, seconds=60)
            server.stop()
            wait_until(lambda: "rror" in beat.output and "rror" in worker.output, seconds=60)
            expire(connection)
            server.start()

            with engine("beat", log=tmp_path / "other.log", environment=environment):  # it sends everything at once
                wait_until(lambda: Connection.objects.get().generation == connection.generation + 1, seconds=60)
            assert beat.process.poll() is None
    finally:
        server.stop()


def test_a_team_that_a_killed_worker_was_reading_is_read_by_the_next(
    connection: Connection, digitalocean: Sandbox, broker: dict[str, str], tmp_path: Path
) -> None:
    fault = digitalocean.fault("hang", path="/v2/droplets$", times=2)
    with (
        engine("worker", "--concurrency", "1", log=tmp_path / "1.log", environment=broker) as first,
        engine("beat", log=tmp_path / "beat-1.log", environment=broker),
    ):
        wait_until(lambda: digitalocean.hits(fault) > 0, seconds=60)
        first.kill()
    digitalocean.clear_faults()
    assert TeamReading.objects.get().taken_at is None
    TeamReading.objects.update(due_at=timezone.now())  # the leases of the dead worker have run out
    if broker["REDIS_URL"]:
        with Redis.from_url(broker["REDIS_URL"]) as redis:
            redis.flushall()

    with (
        engine("worker", "--concurrency", "1", log=tmp_path / "2.log", environment=broker),
        engine("beat", log=tmp_path / "beat-2.log", environment=broker),
    ):
        wait_until(lambda: TeamReading.objects.get().taken_at is not None, seconds=60)


def test_each_kind_of_scheduled_work_exists() -> None:
    app.loader.import_default_modules()

    assert {entry["task"] for entry in celery_config.beat_schedule.values()} <= set(app.tasks)


def test_a_message_that_comes_twice_does_nothing_twice(connection: Connection, digitalocean: Sandbox) -> None:
    expire(connection)
    for _ in range(2):
        enqueue(tasks.refresh_some, connection.pk)
        enqueue(tasks.refresh_tokens)

    run_tasks()

    assert digitalocean.counters().refresh_requests == 1


def test_without_a_broker_nothing_fails(
    connection: Connection, digitalocean: Sandbox, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command does the same, and the next message of the scheduler, once there is a broker again."""
    expire(connection)
    away = Celery("away", broker="redis://127.0.0.1:9/0", set_as_current=False)
    away.conf.update(task_publish_retry=False, broker_transport_options={"max_retries": 0})
    monkeypatch.setattr(common.tasks, "_paused_until", 0.0)
    task = away.task(name=tasks.refresh_some.name)(tasks.refresh_some.run)

    enqueue(task, connection.pk)
    enqueue(task, connection.pk)

    assert caplog.text.count("The broker did not take a message") == 1  # it is left alone for a moment
    call_command("refresh_tokens", stdout=StringIO())
    assert digitalocean.counters().refresh_requests == 1


def test_old_entries_of_the_audit_log_go(connection: Connection) -> None:
    kept = Event.objects.count()
    Event.objects.create(kind=Event.Kind.LOG_IN, actor="person", at=timezone.now() - timedelta(days=366))

    tasks.delete_old_rows()

    assert Event.objects.count() == kept


def test_actions_are_followed_while_nobody_looks(connection: Connection, digitalocean: Sandbox) -> None:
    digitalocean.droplets("Acme Web", patch=[{"index": 0, "set": {"id": DROPLET, "status": "active"}}])
    token = digitalocean.connect(team="Acme Web", scope="read write")["access_token"]
    started = digitalocean.act(DROPLET, token, "reboot").json()["action"]["id"]
    Action.objects.create(
        user=connection.user,
        key=connection.pk,
        connection_id=connection.pk,
        team_uuid=connection.team_uuid,
        team_name="Acme Web",
        droplet_id=DROPLET,
        droplet_name="web-1",
        kind="reboot",
        status=Action.Status.IN_PROGRESS,
        digitalocean_id=started,
        ask_at=timezone.now(),
        sent_at=timezone.now(),
    )
    digitalocean.forward(60)

    enqueue(follow_actions)

    assert run_tasks() == ["droplets.follow_actions", "droplets.follow_some"]
    assert Action.objects.get().status == Action.Status.COMPLETED
