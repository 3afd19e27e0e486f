"""Messages: sent once, retried, kept in quiet hours, ended by one click."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.test import Client, TestCase

from common import tasks as common_tasks
from droplets.models import Delivery, Watcher
from droplets.watchers import deliveries
from droplets.watchers.tasks import delete_old_messages
from tests.droplets.watchers.watching import TEAM, Watching
from tests.support.at_once import at_once
from tests.support.emails import emails_to, link_to
from tests.support.engine import run_tasks


@pytest.fixture
def event(watching: Watching) -> Watcher:
    """A watcher with an email that waits."""
    return happen(watching, watching.add("new"))


def happen(watching: Watching, watcher: Watcher) -> Watcher:
    watching.read()
    watching.sandbox.droplets(TEAM, add=1)
    watching.read()
    return watcher


def mail_server(settings: Any, *, is_up: bool) -> None:
    kind = "locmem" if is_up else "smtp"  # nobody listens at EMAIL_URL's port
    settings.EMAIL_BACKEND = f"django.core.mail.backends.{kind}.EmailBackend"


# Works


def test_the_log_shows_what_was_sent(watching: Watching, event: Watcher) -> None:
    assert "Waiting" in watching.page(event.pk).text
    watching.deliver()

    page = watching.page(event.pk)

    assert "is new" in page.rows[0]
    assert page.rows[0].endswith("Sent")


def test_a_test_is_sent_at_once_also_in_quiet_hours(watching: Watching) -> None:
    watcher = watching.add("new", quiet_from="00:00", quiet_to="23:59")

    with TestCase.captureOnCommitCallbacks(execute=True):
        answer = watching.person.client.post(f"/watchers/{watcher.pk}/test/")
    run_tasks()

    assert answer["Location"] == f"/watchers/{watcher.pk}/"
    assert "This is a test of “Mine: A droplet is new in the view”" in emails_to(watching.person.email)[-1]


def test_one_click_ends_the_emails(watching: Watching, event: Watcher) -> None:
    watching.deliver()
    [message] = [message for message in mail.outbox if "List-Unsubscribe" in message.extra_headers]
    link = link_to(watching.person.email, "unsubscribe")
    assert message.extra_headers["List-Unsubscribe"] == f"<http://127.0.0.1{link}>"
    assert message.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    stranger = Client(SERVER_NAME="127.0.0.1", enforce_csrf_checks=True)

    assert "No more emails?" in stranger.get(link).content.decode()
    event.refresh_from_db()
    assert event.by_email
    answer = stranger.post(link, {"List-Unsubscribe": "One-Click"})

    assert answer.status_code == 200
    event.refresh_from_db()
    assert (event.by_email, event.is_paused) == (False, True)
    assert "sends you no emails" in stranger.get(link).content.decode()


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-03-28 21:59", None),
        ("2026-03-28 22:00", "2026-03-29 07:00"),
        ("2026-03-29 06:59", "2026-03-29 07:00"),  # the clocks go forward in this night
        ("2026-03-29 07:00", None),
    ],
)
def test_quiet_hours_are_those_of_the_time_zone(now: str, until: str | None) -> None:
    zone = ZoneInfo("Europe/Berlin")
    hours = {"quiet_from": datetime(1, 1, 1, 22).time(), "quiet_to": datetime(1, 1, 1, 7).time()}
    watcher = Watcher(time_zone="Europe/Berlin", **hours)

    found = deliveries.quiet_until(
        watcher, datetime.fromisoformat(now).replace(tzinfo=zone).astimezone(ZoneInfo("UTC"))
    )

    assert found == (datetime.fromisoformat(until).replace(tzinfo=zone) if until else None)


def test_what_happens_in_quiet_hours_is_told_after_them_in_one_email(watching: Watching) -> None:
    night = watching.calendar.now.replace(hour=23, minute=0)
    watcher = watching.add("new", quiet_from="22:00", quiet_to="07:00")
    watching.calendar.now = night
    happen(watching, watcher)
    assert watching.told() == []
    watching.sandbox.droplets(TEAM, add=1)
    watching.read()
    assert watching.told() == []

    watching.calendar.now = night
    watching.calendar.move_on(hours=8)

    [email] = watching.told()
    assert "2 events" in email


# Refuses


@pytest.mark.parametrize("key", ["nonsense", "{pk}", "{pk}:nonsense"])
def test_nobody_can_make_a_link_that_ends_the_emails(watching: Watching, event: Watcher, key: str) -> None:
    answer = Client(SERVER_NAME="127.0.0.1").post(f"/watchers/unsubscribe/{key.format(pk=event.pk)}/")

    event.refresh_from_db()
    assert (answer.status_code, event.by_email) == (404, True)


def test_tests_are_limited(watching: Watching) -> None:
    watcher = watching.add("new")
    for _ in range(12):
        watching.person.client.post(f"/watchers/{watcher.pk}/test/")

    assert Delivery.objects.count() == 10
    assert "You have sent many tests" in watching.page(watcher.pk).text


def test_what_waits_is_not_sent_once_the_emails_are_off(watching: Watching, event: Watcher) -> None:
    Watcher.objects.update(by_email=False)

    assert watching.told() == []
    assert [each.result for each in watching.messages()] == ["This way of telling was turned off"]


# Handles


@pytest.mark.django_db(transaction=True)
def test_a_message_for_several_workers_at_once_is_sent_once(watching: Watching, event: Watcher) -> None:
    watching.calendar.move_on(minutes=1)
    [pk] = deliveries.due()

    at_once(*[partial(deliveries.deliver, pk)] * 4)
    deliveries.deliver(pk)

    assert len(watching.told()) == 1


def test_another_worker_that_is_faster_between_look_and_lease(
    watching: Watching, event: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = deliveries.quiet_until

    def slow(watcher: Watcher, now: datetime) -> Any:
        monkeypatch.setattr(deliveries, "quiet_until", real)
        with monkeypatch.context() as patch:
            # The faster one dies before it has stored how it ended, so only its attempt shows that it was there.
            patch.setattr(deliveries, "_store_end", lambda delivery, error: None)
            deliveries.deliver(deliveries.due()[0])
        return None

    monkeypatch.setattr(deliveries, "quiet_until", slow)

    assert len(watching.told()) == 1


def test_a_mail_server_that_is_down_is_tried_again(watching: Watching, event: Watcher, settings: Any) -> None:
    mail_server(settings, is_up=False)
    watching.deliver()
    watching.deliver(seconds=30)
    assert [(each.status, each.attempts) for each in watching.messages()] == [("waiting", 1)]
    assert "The mail server did not accept it" in watching.page(event.pk).text

    mail_server(settings, is_up=True)

    assert len(watching.told()) == 1
    assert [each.status for each in watching.messages()] == ["sent"]


def test_after_a_day_of_failures_it_is_given_up(watching: Watching, event: Watcher, settings: Any) -> None:
    mail_server(settings, is_up=False)
    for _ in range(30):
        watching.deliver(hours=1)

    [message] = watching.messages()

    assert message.status == "failed"
    assert 10 < message.attempts < 26
    assert "tried" in watching.page(event.pk).rows[0]


def test_a_worker_that_dies_between_deciding_and_sending(
    watching: Watching, event: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(deliveries.SEND, "email", lambda delivery: exec("raise KeyboardInterrupt"))
        with pytest.raises(KeyboardInterrupt):
            watching.deliver()
    assert watching.told() == []  # its lease still runs
    watching.calendar.move_on(minutes=1)

    assert len(watching.told()) == 1
    assert watching.told() == []


def test_a_lease_of_before_the_clock_was_set_back(watching: Watching, event: Watcher) -> None:
    lease = watching.calendar.now.replace(year=2199)
    Delivery.objects.update(attempts=1, lease_until=lease, give_up_at=lease)

    assert len(watching.told()) == 1


def test_a_broker_that_is_away_delays_a_message(
    watching: Watching, event: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(common_tasks, "_send", lambda *args: None)
        assert watching.told() == []

    assert len(watching.told()) == 1


def test_old_messages_are_deleted_and_waiting_ones_are_not(watching: Watching, event: Watcher) -> None:
    watching.deliver()
    happen(watching, event)
    watching.calendar.move_on(days=31)

    delete_old_messages()

    assert [each.status for each in watching.messages()] == ["waiting"]
