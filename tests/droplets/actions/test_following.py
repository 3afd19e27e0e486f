"""Polling the actions of many connections side by side, for `follow_actions` and the workers."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.models import Connection
from digitalocean_client import errors
from droplets.actions import following, polling
from droplets.models import Action
from tests.droplets.actions.acting import DROPLET, Acting
from tests.droplets.actions.test_polling import GET_ACTION, HOUR, begin, move_back
from tests.support.person import Person
from tests.support.sandbox import Sandbox

TEAMS = ("Acme Web", "Northwind", "Side projects")


def under_way(connection: Connection, droplet: int = 1) -> Action:
    """An action that DigitalOcean does not know, so that each poll of it ends."""
    now = timezone.now() - HOUR
    return Action.objects.create(
        user=connection.user,
        key=uuid4(),
        connection_id=connection.pk,
        team_uuid=connection.team_uuid,
        droplet_id=droplet,
        droplet_name="web-1",
        kind="reboot",
        status=Action.Status.IN_PROGRESS,
        digitalocean_id=uuid4().int % 10**9,
        began_at=now,
        sent_at=now,
        ask_at=now,
    )


def follow(at_once: int = 32) -> list[tuple[Action, errors.DigitalOceanError | None]]:
    due = polling.due(Action.objects.select_related("user"))
    return list(following.follow_all(polling.by_connection(due), at_once=at_once))


# Works


def test_an_action_is_stored_as_digitalocean_tells_it(acting: Acting) -> None:
    row = begin(acting)
    move_back(row)

    assert [error for _, error in follow()] == [None]

    row.refresh_from_db()
    assert row.status == "in_progress"
    assert row.ask_at
    assert row.ask_at > timezone.now()


def test_the_actions_of_several_connections_are_polled_side_by_side(alice: Person, digitalocean: Sandbox) -> None:
    for team in TEAMS:
        under_way(alice.connect(team))
    digitalocean.fault("delay", path="/actions/", seconds=1)
    digitalocean.reset_counters()

    assert len(follow()) == 3

    assert digitalocean.counters().in_flight_max[GET_ACTION] == 3


def test_no_more_than_allowed_are_under_way_and_all_are_asked(alice: Person, digitalocean: Sandbox) -> None:
    for team in TEAMS:
        connection = alice.connect(team)
        for _ in range(7):
            under_way(connection)
    digitalocean.reset_counters()
    digitalocean.fault("delay", path="/actions/", seconds=0.1)

    assert len(follow(at_once=5)) == 21

    assert digitalocean.counters().in_flight_max[GET_ACTION] <= 5
    assert set(Action.objects.values_list("status", flat=True)) == {"lost"}


def test_a_token_that_was_rejected_is_refreshed_once(acting: Acting) -> None:
    row = begin(acting)
    move_back(row)
    Connection.objects.update(refreshed_at=None)
    acting.sandbox.expire()
    acting.sandbox.reset_counters()

    assert [error for _, error in follow()] == [None]

    assert acting.sandbox.counters().refresh_requests == 1


# Refuses


def test_two_at_once_poll_each_action_once(alice: Person, digitalocean: Sandbox) -> None:
    rows = [under_way(alice.connect("Northwind")) for _ in range(2)]

    first, second = following.take_leases(rows), following.take_leases(rows)

    assert (first, second) == ({row.pk for row in rows}, set())


def test_an_action_that_was_never_sent_is_not_asked_for(acting: Acting) -> None:
    row = begin(acting)
    Action.objects.filter(pk=row.pk).update(status=Action.Status.RECORDED, digitalocean_id=None, began_at=None)
    move_back(row)
    acting.sandbox.reset_counters()

    follow()

    row.refresh_from_db()
    assert row.status == "lost"
    assert acting.sandbox.counters().total == 0


def test_once_stopped_nothing_is_begun(acting: Acting) -> None:
    move_back(begin(acting))
    acting.sandbox.reset_counters()
    due = polling.by_connection(polling.due(Action.objects.select_related("user")))

    assert list(following.follow_all(due, is_stopped=lambda: True)) == []
    assert acting.sandbox.counters().total == 0


# Handles


def test_a_team_that_hangs_delays_no_other(
    alice: Person, digitalocean: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "_SECONDS", 2.0)
    sick, well = alice.connect("Northwind"), alice.connect("Acme Web")
    rows = [under_way(connection) for connection in (sick, well) for _ in range(12)]
    digitalocean.fault("hang", path="/actions/", team="Northwind")
    digitalocean.reset_counters()

    found = follow(at_once=8)

    assert len(found) == len(rows)
    failed = [row for row, error in found if error]
    assert {row.connection_id for row in failed} == {sick.pk}
    # The others of this team are not asked any more, so that the time of one call is all that it costs.
    assert digitalocean.counters().by_endpoint[GET_ACTION] <= 12 + 4


def test_where_digitalocean_does_not_answer_at_all_the_rest_is_not_asked(alice: Person, digitalocean: Sandbox) -> None:
    for team in TEAMS:
        connection = alice.connect(team)
        for _ in range(4):
            under_way(connection)
    digitalocean.fault("reset", path="/actions/")
    digitalocean.reset_counters()

    found = follow(at_once=2)

    assert len(found) == 12
    assert all(isinstance(error, errors.Unavailable) for _, error in found)
    assert digitalocean.counters().total < 12


def test_a_connection_without_access_fails_alone(acting: Acting, alice: Person) -> None:
    row = begin(acting)
    move_back(row)
    other = under_way(alice.connect("Northwind"), droplet=DROPLET)
    Connection.objects.filter(pk=acting.connection.pk).update(state=Connection.State.NEEDS_RECONNECT)

    found = dict(follow())

    assert {row.pk: type(error).__name__ for row, error in found.items()} == {
        row.pk: "NeedsReconnect",
        other.pk: "NoneType",
    }
