"""How readings and refreshes ended is stored, as intervals, and the state of a connection follows from it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import outcomes, tasks
from accounts.connection_state import StateKind, state_of
from accounts.models import Connection, OutcomeInterval
from accounts.outcomes_model import ReadingResult
from digitalocean_client import errors
from droplets.fleet import service as fleet_service
from tests.droplets import watching
from tests.support.person import Person

LISTING = "/v2/droplets$"
TOKEN = "/v1/oauth/token$"


def read_again(person: Person) -> fleet_service.Fleet:
    for connection in person.connections:
        fleet_service.request_reload(connection)
    return fleet_service.read_fleet(person.user, wait=True)


def fail(person: Person, status: int = 503) -> None:
    person.sandbox.fault("status", path=LISTING, status=status)


def readings() -> list[OutcomeInterval]:
    """The intervals of readings, the oldest first."""
    return list(OutcomeInterval.objects.filter(kind="reading").order_by("pk"))


def refreshes() -> list[tuple[str, bool]]:
    """Outcome of each interval of refreshes, and whether it goes on; the oldest first."""
    rows = OutcomeInterval.objects.filter(kind="refresh").order_by("pk")
    return [(row.outcome, row.ended_at is None) for row in rows]


def expire(person: Person) -> None:
    """All access tokens have expired."""
    for connection in person.connections:
        connection.token.expires_at = timezone.now() - timedelta(hours=1)
        connection.token.save()
    Connection.objects.update(retry_at=None)


class TestWorks:
    def test_a_reading_that_went_well(self, alice: Person) -> None:
        connection = alice.connect("Northwind")

        read_again(alice)

        connection.refresh_from_db()
        assert (connection.reading_outcome, connection.reading_since) == ("ok", connection.reading_at)
        [interval] = readings()
        assert (interval.outcome, interval.ended_at, interval.user) == ("ok", None, alice.user)
        assert (interval.connection_id, interval.team_name) == (connection.pk, "Northwind")
        assert state_of(connection).kind == StateKind.HEALTHY

    def test_an_outage_is_an_interval_of_its_own(self, alice: Person) -> None:
        connection = alice.connect("Northwind")
        count = len(read_again(alice).items)
        fail(alice)
        read_again(alice)
        read_again(alice)

        connection.refresh_from_db()
        assert state_of(connection).kind == StateKind.DIGITALOCEAN_FAILING
        assert connection.reading_since
        assert connection.reading_retry_at
        alice.sandbox.clear_faults()
        read_again(alice)

        before, during, after = readings()
        assert [each.outcome for each in (before, during, after)] == ["ok", "unavailable", "ok"]
        assert (before.ended_at, during.ended_at) == (during.started_at, after.started_at)
        assert during.last_at > during.started_at
        assert during.shown == f"Its {count} droplets are shown as they were"
        assert during.shown_as_of
        assert during.shown_as_of <= before.ended_at
        assert during.sentence == errors.Unavailable.sentence
        assert during.request_id
        connection.refresh_from_db()
        assert state_of(connection).kind == StateKind.HEALTHY

    def test_a_rate_limit(self, alice: Person) -> None:
        connection = alice.connect("Northwind")
        fail(alice, 429)

        read_again(alice)

        connection.refresh_from_db()
        state = state_of(connection)
        assert state.kind == StateKind.RATE_LIMITED
        assert state.retry_at

    def test_a_team_that_may_not_be_read(self, alice: Person) -> None:
        connection = alice.connect("Northwind")
        fail(alice, 403)

        fleet = read_again(alice)

        connection.refresh_from_db()
        assert state_of(connection).kind == StateKind.NEEDS_OWNER
        assert fleet.problems[0].needs_reconnect

    def test_readings_of_the_workers_are_stored_too(self, alice: Person) -> None:
        connection = alice.connect("Acme Web")
        watching.read(connection)
        fail(alice)
        watching.read(connection)

        assert [row.outcome for row in readings()] == ["ok", "unavailable"]
        connection.refresh_from_db()
        assert connection.droplet_count

    def test_refreshes(self, alice: Person) -> None:
        alice.connect("Northwind")
        expire(alice)
        alice.sandbox.fault("status", path=TOKEN, grant_type="refresh_token", status=503)
        read_again(alice)
        [connection] = alice.connections
        assert refreshes() == [("unavailable", True)]
        assert state_of(connection).kind == StateKind.REFRESH_FAILING

        alice.sandbox.clear_faults()
        expire(alice)
        read_again(alice)

        assert refreshes() == [("unavailable", False), ("ok", True)]
        assert [row.outcome for row in readings()] == ["unavailable", "ok"]

    def test_a_lost_token_and_a_new_one(self, alice: Person) -> None:
        connection = alice.connect("Northwind")
        alice.sandbox.revoke()
        expire(alice)

        read_again(alice)

        connection.refresh_from_db()
        assert refreshes() == [("invalid_grant", True)]
        assert state_of(connection).kind == StateKind.NEEDS_OWNER

        alice.connect("Northwind")
        assert refreshes() == [("invalid_grant", False)]
        connection.refresh_from_db()
        assert state_of(connection).kind == StateKind.HEALTHY

    def test_a_disconnected_team_keeps_its_intervals(self, alice: Person) -> None:
        connection = alice.connect("Northwind")
        read_again(alice)

        alice.client.post(f"/accounts/connections/{connection.pk}/disconnect/")

        [interval] = readings()
        assert interval.ended_at

    def test_a_deleted_account_keeps_none(self, alice: Person) -> None:
        alice.connect("Northwind")
        read_again(alice)

        alice.client.post("/accounts/delete/", {"email": alice.email})

        assert not OutcomeInterval.objects.exists()

    def test_old_intervals_are_deleted(self, alice: Person, settings: Any) -> None:
        settings.EVENT_DAYS = 10
        alice.connect("Northwind")
        read_again(alice)
        long_ago = timezone.now() - timedelta(days=11)
        OutcomeInterval.objects.update(started_at=long_ago)
        tasks.delete_old_rows()
        assert len(readings()) == 1, "it goes on"

        OutcomeInterval.objects.update(ended_at=long_ago)
        tasks.delete_old_rows()

        assert readings() == []


class TestHandles:
    def test_a_warm_page_writes_nothing(self, alice: Person) -> None:
        alice.connect("Northwind")
        read_again(alice)
        fleet_service.read_fleet(alice.user, wait=True)

        with CaptureQueriesContext(database) as queries:
            fleet_service.read_fleet(alice.user, wait=True)

        assert not [query["sql"] for query in queries if not query["sql"].startswith("SELECT")]

    def test_many_teams_that_go_on_as_before_are_one_statement(self, alice: Person) -> None:
        connections = [alice.connect(name) for name in ("Acme Web", "Northwind", "Side projects")]
        read_again(alice)
        later = timezone.now() + timedelta(minutes=2)
        rows = list(Connection.objects.for_user(alice.user))

        with CaptureQueriesContext(database) as queries:
            outcomes.note_readings([(row, outcomes.ReadingAttempt(ReadingResult("ok", 1), later)) for row in rows])

        assert len([query for query in queries if query["sql"].startswith("UPDATE")]) == 1
        assert set(Connection.objects.values_list("reading_at", flat=True)) == {later}
        assert len(readings()) == len(connections)

    def test_of_two_that_see_a_change_one_stores_it(self, alice: Person) -> None:
        alice.connect("Northwind")
        read_again(alice)
        one, two = (Connection.objects.for_user(alice.user).get() for _ in range(2))
        attempt = outcomes.ReadingAttempt(ReadingResult("too_slow", 1), timezone.now() + timedelta(seconds=1))

        outcomes.note_readings([(one, attempt)])
        outcomes.note_readings([(two, attempt)])

        assert [row.outcome for row in readings()] == ["ok", "too_slow"]

    def test_an_older_reading_changes_nothing(self, alice: Person) -> None:
        alice.connect("Northwind")
        read_again(alice)
        [connection] = alice.connections
        before = connection.reading_at - timedelta(minutes=1)

        outcomes.note_readings([(connection, outcomes.ReadingAttempt(ReadingResult("too_slow", 1), before))])

        assert [row.outcome for row in readings()] == ["ok"]

    def test_a_connection_that_was_deleted_meanwhile(self, alice: Person) -> None:
        alice.connect("Northwind")
        [connection] = alice.connections
        alice.client.post(f"/accounts/connections/{connection.pk}/disconnect/")

        outcomes.note_readings([(connection, outcomes.ReadingAttempt(ReadingResult("ok", 1), timezone.now()))])

        assert readings() == []

    def test_a_database_that_does_not_take_it_breaks_no_page(
        self, alice: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        alice.connect("Northwind")

        def refuse(*args: Any, **kwargs: Any) -> None:
            raise DatabaseError("out of room")

        monkeypatch.setattr(outcomes, "_begin", refuse)
        expire(alice)

        assert read_again(alice).items
        assert not OutcomeInterval.objects.exists()

    def test_a_failure_with_older_tokens_says_nothing(self, alice: Person) -> None:
        connection = alice.connect("Northwind")
        connection.reading_outcome, connection.reading_generation = "not_allowed", connection.generation
        assert state_of(connection).kind == StateKind.NEEDS_OWNER

        connection.generation += 1

        assert state_of(connection).kind == StateKind.HEALTHY
