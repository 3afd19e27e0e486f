from __future__ import annotations

import threading
from datetime import timedelta
from time import monotonic
from typing import Any

import pytest
from allauth.socialaccount.models import SocialToken
from django.db import connections as databases
from django.utils import timezone

from accounts.digitalocean import errors
from accounts.models import Connection
from droplets import fanout
from droplets.listing import Listed, Reading
from tests.support.person import Person

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


def read(person: Person, seconds: float = 20) -> dict[str, Listed]:
    """By the team's name."""
    connections = person.connections
    found = fanout.read(connections, until=monotonic() + seconds)
    return {connection.team_name: found[connection.pk] for connection in connections}


# Works


@pytest.mark.usefixtures("three")
def test_it_reads_every_team(alice: Person) -> None:
    found = read(alice)

    for team in alice.sandbox.teams():
        if team.name in TEAMS:
            assert found[team.name].is_complete
            assert len(found[team.name].rows) == team.droplets + team.gpus


@pytest.mark.usefixtures("three")
def test_it_reads_the_teams_at_once(alice: Person) -> None:
    alice.sandbox.settings(latency_ms=200)

    read(alice)

    assert alice.sandbox.counters().in_flight_max[ENDPOINT] == 6


def test_a_token_whose_time_is_over_is_renewed_before_it_is_used(alice: Person) -> None:
    alice.connect("Acme Web")
    SocialToken.objects.update(expires_at=timezone.now() - timedelta(minutes=1))
    alice.sandbox.expire()
    alice.sandbox.reset_counters()

    assert read(alice)["Acme Web"].is_complete
    assert alice.sandbox.counters().refresh_requests == 1
    assert alice.sandbox.counters().by_endpoint[ENDPOINT] == 2


@pytest.mark.usefixtures("three")
def test_a_token_that_meets_a_401_is_renewed_and_the_team_read_again(alice: Person) -> None:
    alice.sandbox.expire(team="Northwind")

    found = read(alice)

    assert all(listed.is_complete for listed in found.values())
    assert alice.sandbox.counters().refresh_requests == 1


@pytest.mark.usefixtures("three")
def test_several_401s_are_each_renewed_once(alice: Person) -> None:
    alice.sandbox.expire()

    found = read(alice)

    assert all(listed.is_complete for listed in found.values())
    assert alice.sandbox.counters().refresh_requests == 3


# Refuses


@pytest.mark.usefixtures("three")
def test_it_replays_once_and_no_more(alice: Person) -> None:
    alice.sandbox.fault("status", path=LISTING, team="Northwind", status=401)

    found = read(alice)

    assert isinstance(found["Northwind"].error, errors.TokenRejected)
    assert found["Acme Web"].is_complete
    assert alice.sandbox.counters().refresh_requests == 1
    northwind = alice.sandbox.team("Northwind").uuid
    assert alice.sandbox.counters().by_team[northwind] <= 4 + 1  # two readings of two calls, one refresh


@pytest.mark.usefixtures("three")
def test_workers_never_touch_the_database(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[bool, list[Any]]] = []
    really = Reading._call

    def watched(self: Reading, *args: Any) -> None:
        really(self, *args)
        seen.append((threading.current_thread() is threading.main_thread(), databases.all(initialized_only=True)))

    monkeypatch.setattr(Reading, "_call", watched)
    alice.sandbox.expire(team="Northwind")

    read(alice)

    assert seen
    assert set(map(str, seen)) == {str((False, []))}


# Handles


@pytest.mark.usefixtures("three")
def test_a_team_that_hangs_costs_itself_alone(alice: Person) -> None:
    alice.sandbox.fault("hang", path=LISTING, team="Northwind")

    found = read(alice, seconds=1.5)

    assert isinstance(found["Northwind"].error, errors.TooSlow)
    assert found["Northwind"].rows == ()
    assert found["Acme Web"].is_complete
    assert found["Side projects"].is_complete


@pytest.mark.usefixtures("three")
def test_a_team_that_hangs_holds_up_no_renewal(alice: Person) -> None:
    alice.sandbox.fault("hang", path=LISTING, team="Northwind")
    alice.sandbox.expire(team="Side projects")

    assert read(alice, seconds=2)["Side projects"].is_complete


@pytest.mark.usefixtures("three")
def test_a_revoked_team_needs_its_owner(alice: Person) -> None:
    alice.sandbox.revoke(team="Northwind")

    found = read(alice)

    assert isinstance(found["Northwind"].error, errors.NeedsReconnect)
    assert found["Acme Web"].is_complete


@pytest.mark.usefixtures("three")
def test_what_came_before_a_401_stays_when_no_other_token_can_be_had(alice: Person) -> None:
    alice.sandbox.droplets("Northwind", count=450)
    alice.sandbox.fault("status", path=LISTING, team="Northwind", page=2, status=401)
    alice.sandbox.fault("json", path="/v1/oauth/token", status=400, json={"error": "invalid_grant"})

    northwind = read(alice)["Northwind"]

    assert isinstance(northwind.error, errors.NeedsReconnect)
    assert len(northwind.rows) >= 200
    assert northwind.missing >= 50


def test_nobody_is_nobody(db: None) -> None:
    assert fanout.read([], until=monotonic() + 1) == {}
