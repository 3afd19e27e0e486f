"""Polling: the state of actions under way, and of actions whose answer was lost."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from time import monotonic
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import Connection
from digitalocean_client import actions as actions_api
from digitalocean_client import errors
from droplets.actions import polling, sending, timing, transitions
from droplets.actions.kinds import KINDS
from droplets.calls import droplet as droplet_calls
from droplets.fleet import cache as fleet_cache
from droplets.fleet import service as fleet_service
from droplets.models import Action
from tests.droplets.actions.acting import DROPLET, Acting
from tests.support.at_once import at_once

POST_ACTION = {"path": "/v2/droplets/[0-9]+/actions$", "method": "POST"}
GET_ACTION = "GET /v2/droplets/{droplet_id}/actions/{action_id}"
LIST_ACTIONS = "GET /v2/droplets/{droplet_id}/actions"
HOUR = timedelta(hours=1)


def begin(acting: Acting, kind: str = "reboot", **parameters: Any) -> Action:
    droplet = droplet_calls.fetch_droplet(acting.connection, DROPLET)
    return sending.begin(acting.connection, droplet, KINDS[kind], parameters, key=uuid4())


def lose(acting: Acting, kind: str = "reboot", *, phase: str = "after", **parameters: Any) -> Action:
    """Begin an action whose answer is lost; `phase` says whether it has taken effect."""
    request = {"method": "DELETE", "path": "/v2/droplets/[0-9]+$"} if kind == "destroy" else POST_ACTION
    acting.sandbox.fault("reset", **request, phase=phase, times=1)
    row = begin(acting, kind, **parameters)
    assert row.status == "sending"
    return row


def move_back(row: Action, by: timedelta = HOUR) -> None:
    """Move everything about the row into the past, as if nobody had polled it since."""
    row.refresh_from_db()
    for name in ("recorded_at", "sent_at", "began_at", "ask_at"):
        if moment := getattr(row, name):
            setattr(row, name, moment - by)
    row.save()


def poll_now(acting: Acting, row: Action) -> list[errors.DigitalOceanError | None]:
    """Poll the row at once, whether or not it is due, and read it again."""
    Action.objects.filter(pk=row.pk).exclude(ask_at=None).update(ask_at=timezone.now())
    return poll(acting, row)


def poll(acting: Acting, row: Action) -> list[errors.DigitalOceanError | None]:
    due = polling.due(Action.objects.filter(pk=row.pk))
    met = [error for _, error in polling.follow(acting.connection, due, deadline=monotonic() + 5)]
    row.refresh_from_db()
    return met


# Works


@pytest.mark.parametrize(("ending", "status"), [("completed", "completed"), ("errored", "errored")])
def test_an_action_is_polled_until_it_ends(acting: Acting, ending: str, status: str) -> None:
    row = begin(acting)
    poll_now(acting, row)
    assert row.status == "in_progress"
    acting.sandbox.end_action(acting.done()[0].id, ending)

    poll_now(acting, row)

    assert row.status == status
    assert row.ended_at is not None
    assert row.ask_at is None
    assert ("it failed" in row.words) == (ending == "errored")


def test_the_fleet_shows_a_completed_action(acting: Acting) -> None:
    fleet_service.read_fleet(acting.person.user, wait=True)
    row = begin(acting, "power_off")
    acting.sandbox.forward(60)
    poll_now(acting, row)

    [item] = fleet_service.read_fleet(acting.person.user, wait=True).items

    assert item.droplet.status == "off"


@pytest.mark.parametrize("kind", ["reboot", "snapshot", "rename", "power_off"])
def test_a_lost_answer_is_looked_up_and_never_sent_again(acting: Acting, kind: str) -> None:
    row = lose(acting, kind, **({"name": "web"} if kind in ("snapshot", "rename") else {}))

    poll_now(acting, row)

    [acted] = acting.done()
    assert (row.status, row.digitalocean_id) == ("in_progress", acted.id)
    acting.sandbox.forward(60)
    poll_now(acting, row)
    assert row.status == "completed"


def test_an_action_that_has_ended_when_it_is_found_is_stored_as_ended(acting: Acting) -> None:
    row = lose(acting)
    acting.sandbox.forward(60)

    poll_now(acting, row)

    assert row.status == "completed"


def test_a_lost_destroy_is_done_when_the_droplet_is_gone(acting: Acting) -> None:
    row = lose(acting, "destroy")

    poll_now(acting, row)

    assert row.status == "completed"
    assert len(acting.done("destroy")) == 1


@pytest.mark.parametrize("kind", ["reboot", "destroy"])
def test_an_action_that_never_arrived_is_lost_after_a_minute(acting: Acting, kind: str) -> None:
    row = lose(acting, kind, phase="before")
    poll_now(acting, row)
    assert row.status == "sending"
    move_back(row, timing.SEND_LEASE + timing.LOST_AFTER)

    poll_now(acting, row)

    assert (row.status, row.words, row.ask_at) == ("lost", transitions.NEVER_ARRIVED, None)
    assert not acting.done()


def test_the_next_poll_waits_until_it_is_due(acting: Acting) -> None:
    row = begin(acting)

    assert poll(acting, row) == []
    poll_now(acting, row)
    assert poll(acting, row) == []
    assert acting.sandbox.counters().by_endpoint[GET_ACTION] == 1


def test_after_a_reconnect_polling_goes_on(acting: Acting) -> None:
    row = begin(acting)
    acting.sandbox.forward(60)
    Action.objects.update(connection_id=uuid4(), ask_at=timezone.now())  # its own connection is gone

    call_command("follow_actions", stdout=StringIO())

    row.refresh_from_db()
    assert row.status == "completed"


def test_the_command_prints_what_it_found(acting: Acting) -> None:
    begin(acting)
    acting.sandbox.forward(60)
    Action.objects.update(ask_at=timezone.now())
    said = StringIO()

    call_command("follow_actions", stdout=said)

    assert said.getvalue() == "0 under way, 1 done, 0 failed, 0 lost, 0 not asked\n"


# Refuses


def test_an_action_of_another_row_is_not_matched(acting: Acting) -> None:
    first = begin(acting)
    acting.sandbox.forward(60)
    poll_now(acting, first)
    second = lose(acting, phase="before")

    poll_now(acting, second)

    assert second.status == "sending"


@pytest.mark.parametrize("other", ["of another type", "of long before"])
def test_an_action_that_cannot_be_the_rows_is_not_matched(acting: Acting, other: str) -> None:
    if other == "of another type":
        acting.sandbox.act(DROPLET, acting.sandbox.live_grants()[-1].access_token, "snapshot")
        acting.sandbox.forward(60)
    row = lose(acting, phase="before")
    if other == "of long before":
        acting.sandbox.act(DROPLET, acting.sandbox.live_grants()[-1].access_token, "reboot")
        Action.objects.filter(pk=row.pk).update(sent_at=timezone.now() + HOUR)

    poll_now(acting, row)

    assert row.status == "sending"


def test_an_action_that_is_being_sent_is_not_polled(acting: Acting) -> None:
    row = begin(acting)
    Action.objects.update(status="sending", digitalocean_id=None, ask_at=timezone.now() + timing.SEND_LEASE)

    assert poll(acting, row) == []
    assert row.status == "sending"


@pytest.mark.django_db(transaction=True)
def test_one_caller_polls_at_a_time(acting: Acting) -> None:
    row = begin(acting)
    Action.objects.update(ask_at=timezone.now())
    acting.sandbox.settings(latency_ms=300)

    due = polling.due(Action.objects.all())

    at_once(*[lambda: list(polling.follow(acting.connection, due, deadline=monotonic() + 5))] * 4)

    assert acting.sandbox.counters().by_endpoint[GET_ACTION] == 1
    row.refresh_from_db()
    assert row.status == "in_progress"


# Handles


def test_an_action_that_was_recorded_and_not_sent_is_lost(acting: Acting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "send", lambda *args: None)  # the process stops here
    row = begin(acting)
    assert row.status == "recorded"
    assert poll(acting, row) == []
    move_back(row, timedelta(seconds=sending.TIMEOUT))

    poll(acting, row)

    assert (row.status, row.words) == ("lost", transitions.NEVER_SENT)
    monkeypatch.undo()
    sending.send(acting.connection, [row], "a token")  # and goes on
    assert "POST /v2/droplets/{droplet_id}/actions" not in acting.sandbox.counters().by_endpoint


@pytest.mark.parametrize("path", ["/actions/[0-9]+$", "/actions$"])
@pytest.mark.parametrize(
    ("fault", "more"),
    [("status", {"status": 500}), ("status", {"status": 403}), ("html", {}), ("json", {"json": {"action": 1}})],
)
def test_after_an_error_the_action_stays_as_it_was(acting: Acting, path: str, fault: str, more: dict[str, Any]) -> None:
    row = begin(acting) if path.endswith("[0-9]+$") else lose(acting)
    move_back(row)
    before = row.status
    acting.sandbox.fault(fault, path=path, method="GET", **more)

    [error] = poll_now(acting, row)

    assert error is not None
    assert row.status == before
    assert row.ask_at > timezone.now()


def test_a_rate_limit_delays_the_next_poll(acting: Acting) -> None:
    row = begin(acting)
    acting.sandbox.fault("status", path="/actions/", method="GET", status=429, headers={"retry-after": "900"})

    poll_now(acting, row)

    assert row.ask_at > timezone.now() + timing.LATEST - timedelta(seconds=30)
    poll_now(acting, row)
    assert acting.sandbox.counters().by_endpoint[GET_ACTION] == 1  # until the limit has room, no call is made


def test_a_poll_that_was_put_off_before_the_clock_was_set_back(acting: Acting) -> None:
    row = begin(acting)
    move_back(row, -HOUR)
    acting.sandbox.forward(60)

    poll(acting, row)

    assert row.status == "completed"


def test_a_droplet_that_is_destroyed_meanwhile_ends_its_action(acting: Acting) -> None:
    row, other = begin(acting), lose_beside(acting)
    acting.sandbox.droplets("Acme Web", count=0)
    poll_now(acting, row)
    assert row.status == "in_progress"
    move_back(row)
    move_back(other)

    poll_now(acting, row)
    poll_now(acting, other)

    assert (row.status, row.words) == ("lost", transitions.FORGOTTEN)
    assert (other.status, other.words) == ("lost", transitions.DROPLET_GONE)


def lose_beside(acting: Acting) -> Action:
    """An action whose answer was lost, on a droplet with another action under way."""
    return Action.objects.create(
        user=acting.person.user,
        key=uuid4(),
        connection_id=acting.connection.pk,
        team_name="Acme Web",
        droplet_id=DROPLET,
        kind="reboot",
        status="sending",
        sent_at=timezone.now(),
        ask_at=timezone.now(),
    )


def test_odd_actions_in_the_list_are_skipped(acting: Acting) -> None:
    row = lose(acting)
    acted = acting.done()[0]
    odd: list[Any] = [
        None,
        {"id": -1},
        {"id": 7, "type": "reboot", "started_at": "yesterday"},
        {"id": 8, "type": "reboot"},
    ]
    true = {"id": acted.id, "type": "reboot", "status": "completed", "started_at": timezone.now().isoformat()}
    acting.sandbox.fault("json", path="/actions$", method="GET", json={"actions": [*odd, true], "meta": {"total": 5}})

    poll_now(acting, row)

    assert (row.status, row.digitalocean_id) == ("completed", acted.id)


def test_actions_of_a_disconnected_team_are_polled_later(acting: Acting) -> None:
    row = begin(acting)
    Connection.objects.all().delete()
    move_back(row)

    call_command("follow_actions", stdout=StringIO())

    row.refresh_from_db()
    assert row.status == "in_progress"
    assert fleet_cache.load([acting.connection.pk]) == {}


def test_the_command_fails_where_something_could_not_be_asked(acting: Acting) -> None:
    row = begin(acting)
    move_back(row)
    acting.sandbox.fault("status", path="/actions/", status=503)
    said = StringIO()

    with pytest.raises(CommandError) as caught:
        call_command("follow_actions", stdout=said)

    assert caught.value.returncode == 75
    assert "Not asked: reboot of db-primary, in_progress (unavailable)" in said.getvalue()


def test_an_action_of_much_later_is_not_matched(acting: Acting) -> None:
    row = lose(acting, "snapshot", phase="before", name="before-upgrade")
    acting.sandbox.forward(6 * 3600)
    token = acting.sandbox.live_grants()[-1].access_token
    assert acting.sandbox.act(DROPLET, token, "snapshot", name="nightly").status_code == 201

    move_back(row, 2 * timing.SEND_LEASE + timing.LOST_AFTER)
    poll_now(acting, row)

    assert row.status == "lost"


def test_an_action_is_found_however_many_followed_it(acting: Acting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions_api, "PER_PAGE", 2)
    row = lose(acting, "rename", name="web-9")
    acting.sandbox.forward(60)
    token = acting.sandbox.live_grants()[-1].access_token
    for kind in ("power_off", "power_on", "power_off", "power_on"):
        assert acting.sandbox.act(DROPLET, token, kind).status_code == 201
        acting.sandbox.forward(60)

    poll_now(acting, row)

    assert (row.status, row.kind) == ("completed", "rename")


def test_an_action_without_access_is_lost_after_a_day(acting: Acting) -> None:
    row = lose(acting)
    acting.sandbox.revoke()
    assert [type(error) for error in poll_now(acting, row)] == [errors.NeedsReconnect]
    assert row.status == "sending"

    move_back(row, timing.ABANDONED)

    assert poll_now(acting, row) == [None]
    assert (row.status, row.words) == ("lost", transitions.NO_ACCESS)


def test_an_action_without_a_connection_is_lost_after_a_day(acting: Acting) -> None:
    row = lose(acting)
    acting.person.client.post(f"/accounts/connections/{acting.connection.pk}/disconnect/")
    move_back(row, timing.ABANDONED)

    call_command("follow_actions", stdout=StringIO())

    row.refresh_from_db()
    assert (row.status, row.words) == ("lost", transitions.NO_ACCESS)


@pytest.mark.parametrize("status", [500, 429])
def test_a_temporary_error_loses_no_action_however_old(acting: Acting, status: int) -> None:
    acting.sandbox.settings(action_seconds=10 * 24 * 3600)
    row = begin(acting)
    move_back(row, 2 * timing.ABANDONED)
    acting.sandbox.fault("status", path="/actions/[0-9]+$", status=status)

    poll_now(acting, row)

    assert row.status == "in_progress"
