from __future__ import annotations

from typing import Any

import pytest

from accounts.digitalocean import errors
from accounts.models import Connection
from droplets import fleet as fleets
from tests.support.person import Person

LISTING = "/v2/droplets$"


def fleet(person: Person) -> fleets.Fleet:
    return fleets.read(person.user)


# Works


def test_it_holds_every_droplet_of_every_team(alice: Person) -> None:
    for name in ("Acme Web", "Northwind"):
        alice.connect(name)
    teams = [alice.sandbox.team(name) for name in ("Acme Web", "Northwind")]

    found = fleet(alice)

    assert len(found.items) == found.totals.droplets == sum(team.droplets + team.gpus for team in teams)
    assert (found.teams, found.answered, found.troubles) == (2, 2, ())
    assert {item.team.name for item in found.items} == {"Acme Web", "Northwind"}


def test_it_is_in_the_same_order_every_time(alice: Person) -> None:
    alice.connect("Acme Web")
    alice.connect("Northwind")

    first, second = ([(item.row.name, item.row.id) for item in fleet(alice).items] for _ in range(2))

    assert first == second


def test_a_whole_reading_leaves_its_count_and_time(alice: Person) -> None:
    alice.connect("Acme Web")
    team = alice.sandbox.team("Acme Web")

    found = fleet(alice)

    connection = alice.connection("Acme Web")
    assert connection.droplet_count == team.droplets + team.gpus
    assert connection.droplets_read_at == found.read_at


def test_two_logins_of_one_team_count_once(alice: Person) -> None:
    alice.go("Northwind", user="ada")
    alice.go("Northwind", user="grace")
    team = alice.sandbox.team("Northwind")
    assert len(alice.connections) == 2

    found = fleet(alice)

    assert len(found.items) == team.droplets + team.gpus
    assert (found.teams, found.answered, found.troubles) == (1, 1, ())


# Refuses


def test_it_shows_nobody_elses(alice: Person, bob: Person) -> None:
    alice.connect("Acme Web")

    found = fleet(bob)

    assert (found.items, found.teams) == ((), 0)


def test_nobodys_fleet_asks_digitalocean_nothing(alice: Person) -> None:
    assert fleet(alice).items == ()
    assert alice.sandbox.counters().total == 0


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("status", {"status": 500}),
        ("patch", {"set": {"/meta/total": 1000}}),
        ("html", {"status": 200}),
    ],
)
def test_a_reading_that_is_not_whole_leaves_no_count(alice: Person, kind: str, more: dict[str, Any]) -> None:
    connection = alice.connect("Acme Web")
    fleet(alice)
    before = Connection.objects.get(pk=connection.pk)
    alice.sandbox.fault(kind, path=LISTING, type="droplets", **more)

    assert fleet(alice).troubles

    after = Connection.objects.get(pk=connection.pk)
    assert (after.droplet_count, after.droplets_read_at) == (before.droplet_count, before.droplets_read_at)


# Handles


def test_one_login_of_two_that_fails_loses_no_droplet(alice: Person) -> None:
    alice.connect("Northwind")
    alice.go("Northwind", user="grace")
    alice.sandbox.revoke(team="Northwind", user="ada")
    team = alice.sandbox.team("Northwind")

    found = fleet(alice)

    assert len(found.items) == team.droplets + team.gpus
    [trouble] = found.troubles
    assert trouble.needs_reconnect
    assert "through your other connection" in trouble.shown


def test_a_person_without_a_team_has_a_fleet_too(alice: Person) -> None:
    alice.digitalocean = "linus"
    alice.go(None)

    found = fleet(alice)

    assert (found.teams, found.answered, found.items, found.troubles) == (1, 1, (), ())


def test_two_people_without_a_team_are_two() -> None:
    ada, linus = Connection(user_uuid="ada"), Connection(user_uuid="linus")

    assert fleets.team_of(ada) != fleets.team_of(linus)


def test_the_log_tells_what_failed_and_no_token(alice: Person, caplog: pytest.LogCaptureFixture) -> None:
    alice.connect("Acme Web")
    alice.sandbox.fault("status", path=LISTING, status=503)

    [trouble] = fleet(alice).troubles

    assert trouble.happened == errors.Unavailable.sentence
    assert "503" in caplog.text
    assert trouble.request_id in caplog.text
    assert "doo_v1_" not in caplog.text
