"""Teams are read while nobody looks: which, how often, and what a page gets of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.core.cache import cache
from django.utils import timezone

from accounts.models import Connection, User
from common.tasks import enqueue
from droplets import tasks
from droplets.calls import rate_limit
from droplets.fleet import cache as fleet_cache
from droplets.fleet import readings
from droplets.fleet import refresh as fleet_refresh
from droplets.models import TeamReading
from tests.droplets.watching import LISTING, TEAM, read, reading_of
from tests.support.engine import run_tasks
from tests.support.person import Person


def forget_cache(connection: Connection) -> None:
    """As after a restart."""
    cache.clear()
    fleet_cache._memory.delete(connection.pk)


def droplets_of(person: Person) -> int:
    team = person.sandbox.team(TEAM)
    return team.droplets + team.gpus


def listing_calls(person: Person) -> int:
    return person.sandbox.counters().by_endpoint.get("GET /v2/droplets", 0)


# Works


@pytest.mark.django_db(transaction=True)
def test_a_new_connection_is_read_without_a_page(alice: Person) -> None:
    connection = alice.connect(TEAM)

    enqueue(tasks.watch_teams)

    assert run_tasks() == ["droplets.watch_teams", "droplets.read_teams", "droplets.read_actions"]
    row = reading_of(connection)
    assert len(readings.droplets_of(row) or ()) == droplets_of(alice)
    assert (row.outcome, row.lease_id) == ("", None)
    assert timedelta(minutes=4) < row.due_at - timezone.now() < timedelta(minutes=6)
    assert readings.due() == []


def test_the_first_page_has_nothing_to_wait_for(alice: Person) -> None:
    read(alice.connect(TEAM))
    alice.sandbox.fault("hang", path=LISTING)

    page = alice.client.get("/droplets/")

    assert len(page.context["fleet"].items) == droplets_of(alice)


def test_a_page_without_a_cache_shows_the_latest_reading(alice: Person) -> None:
    connection = alice.connect(TEAM)
    read(connection)
    forget_cache(connection)
    alice.sandbox.fault("status", path=LISTING, status=503)

    page = alice.client.get("/droplets/")

    assert len(page.context["fleet"].items) == droplets_of(alice)


def test_what_a_page_has_just_read_is_not_read_again(alice: Person) -> None:
    connection = alice.connect(TEAM)
    alice.client.get("/droplets/")
    calls = listing_calls(alice)

    assert readings.due() == [connection.pk]
    tasks.read_teams(str(connection.pk))

    assert listing_calls(alice) == calls
    assert reading_of(connection).taken_at


def test_several_are_read_by_one_message(alice: Person) -> None:
    connections = [alice.connect(name) for name in (TEAM, "Northwind")]

    read(*connections)

    assert all(reading_of(connection).taken_at for connection in connections)


# Refuses


@pytest.mark.parametrize("reason", ["deactivated", "away", "never", "unconfirmed", "reconnect", "off"])
def test_whose_tokens_are_not_used(alice: Person, settings: Any, reason: str) -> None:
    connection = alice.connect(TEAM)
    assert readings.due() == [connection.pk]
    users = User.objects.filter(pk=alice.user.pk)
    match reason:
        case "deactivated":
            users.update(is_active=False)
        case "away":
            users.update(last_login=timezone.now() - timedelta(days=30))
        case "never":
            users.update(last_login=None)
        case "unconfirmed":
            settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
            EmailAddress.objects.update(verified=False)
        case "reconnect":
            Connection.objects.update(state=Connection.State.NEEDS_RECONNECT)
        case "off":
            settings.WATCH_MINUTES = 0
    alice.sandbox.reset_counters()

    assert readings.due() == []
    if reason != "off":  # a message that was sent before does not read it either
        tasks.read_teams(str(connection.pk))
    assert listing_calls(alice) == 0


def test_a_disconnected_team_leaves_no_reading(alice: Person) -> None:
    connection = alice.connect(TEAM)
    read(connection)

    alice.client.post(f"/accounts/connections/{connection.pk}/disconnect/")

    assert not Connection.objects.exists()
    assert not TeamReading.objects.exists()
    tasks.read_teams(str(connection.pk))
    assert not TeamReading.objects.exists()


# Handles


def test_a_message_that_comes_twice(alice: Person) -> None:
    connection = alice.connect(TEAM)
    readings.due()
    tasks.read_teams(str(connection.pk))
    calls = listing_calls(alice)
    fleet_cache.request_reload(connection.pk)

    tasks.read_teams(str(connection.pk))

    assert listing_calls(alice) == calls


def test_two_readers_at_once(alice: Person) -> None:
    connection = alice.connect(TEAM)
    readings.due()

    assert len(readings._claim([connection.pk])) == 1
    assert readings._claim([connection.pk]) == []


def test_what_a_killed_worker_left_is_read_after_its_lease(alice: Person) -> None:
    connection = alice.connect(TEAM)
    readings.due()
    readings._claim([connection.pk])
    assert readings.due() == []

    TeamReading.objects.update(due_at=timezone.now())

    assert readings.due() == [connection.pk]
    tasks.read_teams(str(connection.pk))
    assert reading_of(connection).taken_at


def test_what_another_process_did_not_read_is_due_again_soon(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that was killed leaves its lease of the reload in the cache."""
    connection = alice.connect(TEAM)
    monkeypatch.setattr(readings, "_SECONDS", 0.1)
    cache.set(fleet_refresh._lease_key(connection.pk), "of a dead process", 30)

    read(connection)

    row = reading_of(connection)
    assert row.taken_at is None
    assert row.due_at < timezone.now() + timedelta(minutes=1)


def test_while_digitalocean_is_ill_the_latest_reading_stays(alice: Person) -> None:
    connection = alice.connect(TEAM)
    read(connection)
    before = reading_of(connection)
    fault = alice.sandbox.fault("status", path=LISTING, status=503)

    for _ in range(3):
        read(connection)

    after = reading_of(connection)
    assert after.outcome
    assert (after.taken_at, bytes(after.droplets)) == (before.taken_at, bytes(before.droplets))
    assert after.due_at > timezone.now() + timedelta(minutes=4)
    alice.sandbox.clear_faults(fault)
    read(connection)
    assert reading_of(connection).outcome == ""


def test_a_reading_without_all_droplets_is_not_stored(alice: Person) -> None:
    alice.sandbox.droplets(TEAM, count=450)
    connection = alice.connect(TEAM)
    read(connection)
    before = reading_of(connection)
    alice.sandbox.fault("status", path=LISTING, page=2, status=503)

    read(connection)

    assert reading_of(connection).taken_at == before.taken_at


def test_a_clock_that_was_moved_back(alice: Person) -> None:
    connection = alice.connect(TEAM)
    read(connection)
    future = timezone.now() + timedelta(days=400)
    TeamReading.objects.update(due_at=future, taken_at=future)

    assert readings.due() == [connection.pk]
    read(connection)

    taken_at = reading_of(connection).taken_at
    assert taken_at
    assert taken_at <= timezone.now()


def test_what_this_process_knows_does_not_replace_what_another_has_read_since(alice: Person) -> None:
    """Without Redis each process has its own cache."""
    connection = alice.connect(TEAM)
    read(connection)
    since = timezone.now()
    TeamReading.objects.update(taken_at=since, due_at=since)

    tasks.read_teams(str(connection.pk))

    assert reading_of(connection).taken_at == since


def test_a_reading_of_another_version_is_not_used(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = alice.connect(TEAM)
    read(connection)

    monkeypatch.setattr(fleet_cache, "FORMAT", fleet_cache.FORMAT + 1)

    assert readings.droplets_of(reading_of(connection)) is None
    assert readings.stored([connection.pk]) == {}


@pytest.mark.parametrize("droplets", [0, 20, 200, 10_000, 40_000])
def test_no_more_than_a_fifth_of_the_hourly_limit_is_used(droplets: int) -> None:
    now = timezone.now()
    for entry in (
        fleet_cache.CachedFleet(remembered=(droplets, 0)),
        fleet_cache.CachedFleet(remembered=(droplets, 0), failures=5),
    ):
        span = (readings._next(entry) - now).total_seconds()
        calls = max(-(-droplets // 200), 1) + 1

        assert calls * 3600 / span <= rate_limit.HOURLY / 5
        assert span >= 300


def test_a_thousand_connections_are_spread_over_time(alice: Person) -> None:
    """All are due at once at first; each later reading is put off by another part of the interval."""
    accounts = SocialAccount.objects.bulk_create(
        SocialAccount(user=alice.user, provider="digitalocean", uid=f"user:{number}") for number in range(1_000)
    )
    Connection.objects.bulk_create(
        Connection(account=each, user_uuid="user", team_uuid=str(uuid4()), team_name="Team") for each in accounts
    )

    assert len(readings.due()) == 1_000
    moments = sorted(readings._next(fleet_cache.CachedFleet(remembered=(20, 0))) for _ in range(1_000))

    def most_in(span: timedelta) -> int:
        return max(sum(start <= each < start + span for each in moments) for start in moments)

    assert most_in(timedelta(seconds=10)) < 300
    assert moments[0] >= datetime.now(moments[0].tzinfo) + timedelta(minutes=4)
