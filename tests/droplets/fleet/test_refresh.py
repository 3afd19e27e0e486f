from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count
from time import monotonic
from typing import Any

import pytest
from allauth.socialaccount.models import SocialToken
from django.db import connections as databases
from django.utils import timezone

from accounts.models import Connection
from common.cache import shared
from digitalocean_client import errors
from digitalocean_client import http as do_http
from digitalocean_client.answers import Answer
from droplets.calls import rate_limit
from droplets.fleet import cache as fleet_cache
from droplets.fleet import problems
from droplets.fleet import refresh as fleet_refresh
from droplets.fleet.cache import CachedFleet
from droplets.fleet.summary import DropletSummary
from tests.support.at_once import at_once
from tests.support.person import Person
from tests.support.waiting import wait_until

LISTING = "/v2/droplets$"
ENDPOINT = "GET /v2/droplets"
TEAMS = ("Acme Web", "Northwind", "Side projects")


@pytest.fixture
def three(alice: Person) -> list[Connection]:
    """Alice's connections to three teams."""
    for team in TEAMS:
        alice.connect(team)
    alice.sandbox.reset_counters()
    return alice.connections


@pytest.fixture(autouse=True)
def _no_reload_outlives_its_test() -> Iterator[None]:
    yield
    wait_until(lambda: not fleet_refresh._running)


def reload(person: Person, seconds: float = 20) -> dict[str, CachedFleet]:
    """By the team's name, as far as there is one."""
    connections = person.connections
    known = fleet_cache.load(connection.pk for connection in connections)
    fleet_refresh.refresh(connections, known, deadline=monotonic() + seconds)
    found = fleet_cache.load(connection.pk for connection in connections)
    return {c.team_name: found[c.pk] for c in connections if c.pk in found}


def rows(connection: Connection) -> tuple[DropletSummary, ...]:
    return fleet_cache.droplets(fleet_cache.load([connection.pk])).get(connection.pk, ())


def make_due(person: Person) -> None:
    for connection in person.connections:
        fleet_cache.request_reload(connection.pk)


# Works


@pytest.mark.usefixtures("three")
def test_every_team_is_fetched(alice: Person) -> None:
    found = reload(alice)

    for connection in alice.connections:
        team = alice.sandbox.team(connection.team_name)
        assert found[connection.team_name].is_whole
        assert len(rows(connection)) == sum(found[connection.team_name].remembered) == team.droplets + team.gpus


@pytest.mark.usefixtures("three")
def test_teams_are_fetched_at_the_same_time(alice: Person) -> None:
    alice.sandbox.settings(latency_ms=200)

    reload(alice)

    assert alice.sandbox.counters().in_flight_max[ENDPOINT] == 6


def test_a_reload_takes_one_round_of_calls(alice: Person) -> None:
    alice.connect("Acme Web")
    alice.sandbox.droplets("Acme Web", count=900)
    reload(alice)
    make_due(alice)
    alice.sandbox.reset_counters()
    alice.sandbox.settings(latency_ms=300)

    reload(alice)

    assert alice.sandbox.counters().in_flight_max[ENDPOINT] == 5 + 1
    assert alice.sandbox.counters().by_endpoint[ENDPOINT] == 5 + 1


def test_a_fresh_fleet_is_not_reloaded(alice: Person) -> None:
    alice.connect("Acme Web")
    first = reload(alice)
    alice.sandbox.reset_counters()

    assert reload(alice) == first
    assert ENDPOINT not in alice.sandbox.counters().by_endpoint


def test_an_expired_token_is_refreshed_before_it_is_used(alice: Person) -> None:
    alice.connect("Acme Web")
    SocialToken.objects.update(expires_at=timezone.now() - timedelta(minutes=1))
    alice.sandbox.expire()
    alice.sandbox.reset_counters()

    assert reload(alice)["Acme Web"].is_whole
    assert alice.sandbox.counters().refresh_requests == 1
    assert alice.sandbox.counters().by_endpoint[ENDPOINT] == 2


@pytest.mark.usefixtures("three")
def test_after_a_401_the_token_is_refreshed_and_the_team_fetched_again(alice: Person) -> None:
    alice.sandbox.expire(team="Northwind")

    found = reload(alice)

    assert all(cached.is_whole for cached in found.values())
    assert alice.sandbox.counters().refresh_requests == 1


@pytest.mark.usefixtures("three")
def test_after_several_401s_each_token_is_refreshed_once(alice: Person) -> None:
    alice.sandbox.expire()

    found = reload(alice)

    assert all(cached.is_whole for cached in found.values())
    assert alice.sandbox.counters().refresh_requests == 3


def test_a_reload_goes_on_when_the_page_stops_waiting(alice: Person) -> None:
    connection = alice.connect("Acme Web")
    alice.sandbox.fault("delay", path=LISTING, type="droplets", seconds=1.5)

    assert reload(alice, seconds=0.3) == {}
    [running] = fleet_refresh.running([connection.pk]).values()
    running.done.result(timeout=10)

    assert fleet_cache.load([connection.pk])[connection.pk].is_whole


# Refuses


@pytest.mark.usefixtures("three")
def test_a_team_is_fetched_again_only_once(alice: Person) -> None:
    alice.sandbox.fault("status", path=LISTING, team="Northwind", status=401)

    found = reload(alice)

    failure = found["Northwind"].failure
    assert failure is not None
    assert failure.code == errors.TokenRejected.code
    assert found["Acme Web"].is_whole
    assert alice.sandbox.counters().refresh_requests == 1
    northwind = alice.sandbox.team("Northwind").uuid
    assert alice.sandbox.counters().by_team[northwind] <= 4 + 1  # two fetches of two calls, one refresh


@pytest.mark.django_db(transaction=True)
def test_a_connection_is_fetched_once_for_all_pages_that_wait(alice: Person) -> None:
    alice.connect("Acme Web")
    alice.sandbox.settings(latency_ms=200)
    alice.sandbox.reset_counters()

    found = at_once(*[lambda: reload(alice)] * 16)

    assert all(found_by_each["Acme Web"].is_whole for found_by_each in found)
    assert alice.sandbox.counters().by_endpoint[ENDPOINT] == 2


@pytest.mark.usefixtures("three")
def test_workers_never_touch_the_database(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[bool, list[Any]]] = []
    really = do_http.send

    def watched(method: str, url: str, **more: Any) -> Answer:
        answer = really(method, url, **more)
        seen.append((threading.current_thread() is threading.main_thread(), databases.all(initialized_only=True)))
        return answer

    monkeypatch.setattr(do_http, "send", watched)
    alice.sandbox.expire(team="Northwind")

    reload(alice)

    assert seen
    assert set(map(str, seen)) == {str((False, []))}


def test_a_reload_of_another_process_is_waited_for(alice: Person) -> None:
    connection = alice.connect("Acme Web")
    alice.sandbox.reset_counters()
    shared().add(f"fleet-reload:{connection.pk}", "somebody else", 30)

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(_waits, connection)
        wait_until(lambda: shared().get("waits"))
        cached = CachedFleet(version="e", tried_at=timezone.now(), taken_at=timezone.now(), is_whole=True)
        fleet_cache.save(connection.pk, cached, (), old=None)

        assert waiting.result(timeout=10) < 20
    assert ENDPOINT not in alice.sandbox.counters().by_endpoint


def _waits(connection: Connection) -> float:
    began = monotonic()
    shared().set("waits", 1)
    fleet_refresh.refresh([connection], {}, deadline=began + 20)
    return monotonic() - began


def test_the_lease_of_a_dead_process_expires(alice: Person) -> None:
    connection = alice.connect("Acme Web")
    shared().add(f"fleet-reload:{connection.pk}", "somebody who died", 1)

    reload(alice, seconds=20)  # waits until the lease is over, and no longer

    assert reload(alice)["Acme Web"].is_whole


def test_calls_that_would_go_over_the_limit_are_not_made(alice: Person) -> None:
    connection = alice.connect("Acme Web")
    later = timezone.now() + timedelta(minutes=3)
    rate_limit.block_until(connection.pk, later)
    alice.sandbox.reset_counters()

    failure = reload(alice)["Acme Web"].failure

    assert failure is not None
    assert failure.code == errors.RateLimited.code
    assert ENDPOINT not in alice.sandbox.counters().by_endpoint


# Handles


@pytest.mark.usefixtures("three")
def test_a_team_that_hangs_delays_no_other_team(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digitalocean_client.api.CALL_TIMEOUT", 1.5)
    alice.sandbox.fault("hang", path=LISTING, team="Northwind")

    found = reload(alice, seconds=1)

    assert "Northwind" not in found
    assert found["Acme Web"].is_whole
    assert found["Side projects"].is_whole


@pytest.mark.usefixtures("three")
def test_a_team_that_hangs_delays_no_token_refresh(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digitalocean_client.api.CALL_TIMEOUT", 3)
    alice.sandbox.fault("hang", path=LISTING, team="Northwind")
    alice.sandbox.expire(team="Side projects")

    assert reload(alice, seconds=2)["Side projects"].is_whole


@pytest.mark.usefixtures("three")
def test_a_token_refresh_that_hangs_delays_no_other_page(alice: Person) -> None:
    alice.sandbox.expire(team="Northwind")
    alice.sandbox.fault("delay", path="/v1/oauth/token", seconds=2)
    began = monotonic()

    fleet_refresh.refresh(alice.connections, {}, deadline=monotonic())

    assert monotonic() - began < 1.5
    wait_until(lambda: len(fleet_cache.load(c.pk for c in alice.connections)) >= 2)


@pytest.mark.usefixtures("three")
def test_a_revoked_team_needs_its_owner(alice: Person) -> None:
    alice.sandbox.revoke(team="Northwind")

    found = reload(alice)

    failure = found["Northwind"].failure
    assert failure is not None
    assert failure.code == errors.NeedsReconnect.code
    assert found["Acme Web"].is_whole


@pytest.mark.usefixtures("three")
def test_droplets_that_came_before_a_401_are_kept(alice: Person) -> None:
    alice.sandbox.droplets("Northwind", count=450)
    alice.sandbox.fault("status", path=LISTING, team="Northwind", page=2, status=401)
    alice.sandbox.fault("json", path="/v1/oauth/token", status=400, json={"error": "invalid_grant"})

    northwind = reload(alice)["Northwind"]

    assert northwind.failure is not None
    assert northwind.failure.code == errors.NeedsReconnect.code
    assert len(rows(alice.connection("Northwind"))) >= 200
    assert northwind.missing >= 50


def test_a_401_without_a_waiting_page_is_left_to_the_next_page(alice: Person) -> None:
    connection = alice.connect("Acme Web")
    alice.sandbox.expire()

    fleet_refresh.refresh([connection], {}, deadline=monotonic())
    wait_until(lambda: not fleet_refresh.running([connection.pk]))

    assert reload(alice)["Acme Web"].is_whole
    assert alice.sandbox.counters().refresh_requests == 1


def test_a_team_that_is_disconnected_meanwhile_leaves_nothing(alice: Person) -> None:
    connection = alice.connect("Acme Web")
    alice.sandbox.settings(latency_ms=700)
    fleet_refresh.refresh([connection], {}, deadline=monotonic())

    fleet_cache.forget(connection.pk)
    wait_until(lambda: not fleet_refresh.running([connection.pk]))

    assert fleet_cache.load([connection.pk]) == {}


def test_an_unexpected_exception_ends_the_reload_too(
    alice: Person, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    alice.connect("Acme Web")

    def broken(*args: Any, **more: Any) -> None:
        raise RuntimeError("a bug in Conveyor")

    monkeypatch.setattr("droplets.fleet.merge.store_result", broken)

    assert reload(alice) == {}
    assert "a bug in Conveyor" in caplog.text
    monkeypatch.undo()
    assert reload(alice)["Acme Web"].is_whole


def test_without_connections_nothing_happens(db: None) -> None:
    fleet_refresh.refresh([], {}, deadline=monotonic() + 1)


def test_a_change_during_a_reload_makes_the_next_one_due(alice: Person) -> None:
    connection = alice.connect("Acme Web")
    alice.sandbox.settings(latency_ms=500)
    fleet_refresh.refresh([connection], {}, deadline=monotonic() + 0.1)  # it goes on by itself

    fleet_cache.request_reload(connection.pk)
    wait_until(lambda: not fleet_refresh._running)

    cached = fleet_cache.load([connection.pk])[connection.pk]
    assert cached.is_whole
    assert cached.is_due(timezone.now(), connection.generation)
    assert reload(alice)["Acme Web"].reload_at


def test_rows_of_the_previous_version_can_still_be_read(alice: Person) -> None:
    connection = alice.connect("Acme Web")
    before = fleet_cache.load(reload(alice) and [connection.pk])
    make_due(alice)
    reload(alice)
    fleet_cache._memory.delete(connection.pk)

    assert len(fleet_cache.droplets(before)[connection.pk]) == len(rows(connection)) > 0


def test_a_refresh_on_the_way_leaves_the_failure_that_followed_it(alice: Person) -> None:
    alice.connect("Acme Web")
    SocialToken.objects.update(expires_at=timezone.now() - timedelta(minutes=1))
    alice.sandbox.expire()
    alice.sandbox.fault("status", path=LISTING, status=500)

    cached = reload(alice)["Acme Web"]

    [connection] = alice.connections
    assert problems.failure_of(connection, cached) == cached.failure is not None


def test_a_401_right_after_a_refresh_loses_no_connection(alice: Person) -> None:
    alice.connect("Acme Web")
    SocialToken.objects.update(expires_at=timezone.now() - timedelta(minutes=1))
    alice.sandbox.fault("status", path=LISTING, status=401, times=1)

    reload(alice)

    [connection] = alice.connections
    assert connection.state == Connection.State.HEALTHY


@pytest.mark.parametrize("error", [RuntimeError("can't start new thread"), MemoryError()], ids=["threads", "memory"])
@pytest.mark.parametrize("started", [0, 1], ids=["no thread", "no thread for its calls"])
@pytest.mark.parametrize("seconds", [20, 0], ids=["attended", "in the background"])
def test_a_reload_without_a_thread_ends_at_once(
    alice: Person, monkeypatch: pytest.MonkeyPatch, error: Exception, started: int, seconds: float
) -> None:
    connection = alice.connect("Acme Web")
    really = threading.Thread.start
    calls = count()

    def start(thread: threading.Thread) -> None:
        if thread.name == "digitalocean-call" and next(calls) >= started:
            raise error
        really(thread)

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start)
        reload(alice, seconds)
        wait_until(lambda: not fleet_refresh.running([connection.pk]))

    failure = fleet_cache.load([connection.pk])[connection.pk].failure
    assert failure is not None
    assert failure.code == errors.Unavailable.code
    make_due(alice)
    assert reload(alice)["Acme Web"].is_whole
