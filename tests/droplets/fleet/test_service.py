from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.test import TestCase

from accounts.models import Connection
from digitalocean_client import errors
from droplets.fleet import cache as fleet_cache
from droplets.fleet import service as fleet_service
from droplets.fleet.items import Team
from droplets.search.index import index_of
from droplets.search.query import Search
from tests.support.person import Person

LISTING = "/v2/droplets$"


def fleet(person: Person) -> fleet_service.Fleet:
    return fleet_service.read_fleet(person.user, wait=True)


def make_due(person: Person) -> None:
    for connection in person.connections:
        fleet_service.request_reload(connection)


# Works


def test_it_holds_every_droplet_of_every_team(alice: Person) -> None:
    for name in ("Acme Web", "Northwind"):
        alice.connect(name)
    teams = [alice.sandbox.team(name) for name in ("Acme Web", "Northwind")]

    found = fleet(alice)

    assert len(found.items) == sum(team.droplets + team.gpus for team in teams)
    assert (found.team_count, found.known_count, found.problems) == (2, 2, ())
    assert {item.team.name for item in found.items} == {"Acme Web", "Northwind"}


def test_it_is_in_the_same_order_every_time(alice: Person) -> None:
    alice.connect("Acme Web")
    alice.connect("Northwind")

    first = [(item.droplet.name, item.droplet.id) for item in fleet(alice).items]
    make_due(alice)
    second = [(item.droplet.name, item.droplet.id) for item in fleet(alice).items]

    assert first == second


def test_a_whole_list_stores_its_count_and_time(alice: Person) -> None:
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
    assert (found.team_count, found.known_count, found.problems) == (1, 1, ())


def test_it_is_not_read_again_while_it_is_fresh(alice: Person) -> None:
    alice.connect("Acme Web")
    first = fleet(alice)
    alice.sandbox.reset_counters()

    again = fleet(alice)

    assert alice.sandbox.counters().total == 0
    assert (again.version, again.read_at) == (first.version, first.read_at)
    assert index_of(alice.user, again) is index_of(alice.user, first)  # computed once
    assert 25 < again.reload_after <= 30


def test_what_is_due_is_shown_as_it_was_and_reloaded_in_the_background(alice: Person) -> None:
    alice.connect("Acme Web")
    first = fleet(alice)
    alice.sandbox.droplets("Acme Web", count=3)
    make_due(alice)
    alice.sandbox.settings(latency_ms=300)

    shown = fleet_service.read_fleet(alice.user, wait=False)

    assert len(shown.items) == len(first.items)
    assert shown.reload_after == 0
    assert shown.problems == ()
    assert len(fleet(alice).items) == 3 + alice.sandbox.team("Acme Web").gpus


def test_the_edition_changes_with_what_is_shown(alice: Person) -> None:
    alice.connect("Acme Web")
    first = fleet(alice)
    make_due(alice)

    second = fleet(alice)

    assert second.version != first.version
    assert fleet(alice).version == second.version


def test_a_reading_of_many_calls_is_fresh_for_longer(alice: Person) -> None:
    alice.connect("Acme Web")
    alice.sandbox.droplets("Acme Web", count=2500)

    found = fleet(alice)

    calls = 13 + 1
    assert found.reload_after == pytest.approx(3600 / (5000 / 5) * calls, abs=2)


def test_a_disconnect_removes_the_reading(alice: Person) -> None:
    connection = alice.connect("Acme Web")
    fleet(alice)
    pk = connection.pk  # Django takes it from the instance
    found = fleet_cache.load([pk])
    assert fleet_cache.droplets(found)

    with TestCase.captureOnCommitCallbacks(execute=True):
        connection.delete()

    assert fleet_cache.load([pk]) == {}
    assert fleet_cache.droplets(found) == {}


# Refuses


def test_it_shows_nobody_elses(alice: Person, bob: Person) -> None:
    alice.connect("Acme Web")

    found = fleet(bob)

    assert (found.items, found.team_count) == ((), 0)


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
def test_a_list_that_is_not_whole_stores_no_count(alice: Person, kind: str, more: dict[str, Any]) -> None:
    connection = alice.connect("Acme Web")
    fleet(alice)
    before = Connection.objects.get(pk=connection.pk)
    alice.sandbox.fault(kind, path=LISTING, type="droplets", **more)

    make_due(alice)
    assert fleet(alice).problems

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
    [problem] = found.problems
    assert problem.needs_reconnect
    assert "through your other connection" in problem.shown


def test_two_logins_of_one_team_that_both_have_a_part_count_each_droplet_and_price_once(alice: Person) -> None:
    alice.connect("Northwind")
    alice.sandbox.droplets("Northwind", count=450)
    alice.sandbox.fault("status", path=LISTING, type="droplets", page=2, status=500)
    assert fleet(alice).problems
    alice.sandbox.clear_faults()
    alice.sandbox.fault("status", path=LISTING, type="droplets", page=3, status=500)
    alice.go("Northwind", user="grace")

    found = fleet(alice)
    parts = index_of(alice.user, found).find(Search()).totals

    assert [(source.is_whole, source.is_shown_elsewhere) for source in found.sources] == [(False, False)] * 2
    assert sum(len(source.droplets) for source in found.sources) > parts.droplets  # page 1 came through both
    assert parts.droplets == len(found.items) == 450 + alice.sandbox.team("Northwind").gpus
    alice.sandbox.clear_faults()
    make_due(alice)
    whole = index_of(alice.user, fleet(alice)).find(Search()).totals
    assert (parts.droplets, parts.monthly) == (whole.droplets, pytest.approx(whole.monthly))


def test_a_person_without_a_team_has_a_fleet_too(alice: Person) -> None:
    alice.digitalocean = "linus"
    alice.go(None)

    found = fleet(alice)

    assert (found.team_count, found.known_count, found.items, found.problems) == (1, 1, (), ())


def test_two_people_without_a_team_are_two() -> None:
    ada, linus = Connection(user_uuid="ada"), Connection(user_uuid="linus")

    assert Team.from_connection(ada).key != Team.from_connection(linus).key


def test_the_log_tells_what_failed_and_no_token(alice: Person, caplog: pytest.LogCaptureFixture) -> None:
    alice.connect("Acme Web")
    alice.sandbox.fault("status", path=LISTING, status=503)

    [problem] = fleet(alice).problems

    assert problem.happened == errors.Unavailable.sentence
    assert "503" in caplog.text
    assert problem.request_id in caplog.text
    assert "doo_v1_" not in caplog.text


def test_a_failed_reload_keeps_the_droplets(alice: Person) -> None:
    alice.connect("Acme Web")
    first = fleet(alice)
    alice.sandbox.fault("status", path=LISTING, status=503)
    make_due(alice)

    found = fleet(alice)

    assert len(found.items) == len(first.items)
    assert found.read_at == first.read_at
    [problem] = found.problems
    assert problem.as_of == first.read_at
    assert problem.retry_at is not None
    assert found.is_whole  # as of then


def test_a_team_that_failed_is_left_alone_for_a_while(alice: Person) -> None:
    alice.connect("Acme Web")
    alice.sandbox.fault("status", path=LISTING, status=500)
    fleet(alice)
    alice.sandbox.reset_counters()

    again = fleet(alice)

    assert alice.sandbox.counters().total == 0
    assert 5 < again.reload_after <= 10
    for longer in (20, 40, 80, 160, 300, 300):
        make_due(alice)
        assert fleet(alice).reload_after == pytest.approx(longer, abs=2)


def test_reconnecting_ends_the_waiting(alice: Person) -> None:
    alice.connect("Acme Web")
    fault = alice.sandbox.fault("status", path=LISTING, status=403)
    assert fleet(alice).problems
    alice.sandbox.clear_faults(fault)

    alice.connect("Acme Web")

    assert fleet(alice).problems == ()


def test_what_failed_with_one_page_stays_as_it_was(alice: Person) -> None:
    alice.connect("Acme Web")
    alice.sandbox.droplets("Acme Web", count=450)
    gpus = alice.sandbox.team("Acme Web").gpus
    first = fleet(alice)
    alice.sandbox.fault("status", path=LISTING, type="droplets", page=2, status=500)
    make_due(alice)

    found = fleet(alice)

    assert {item.droplet.id for item in found.items} == {item.droplet.id for item in first.items}
    [problem] = found.problems
    assert problem.shown == f"{250 + gpus} of its {450 + gpus} droplets are up to date, the others as they were"
    assert problem.as_of == first.read_at


def test_a_droplet_that_is_gone_goes_with_the_next_whole_reading(alice: Person) -> None:
    alice.connect("Acme Web")
    fleet(alice)
    alice.sandbox.droplets("Acme Web", remove=5)
    make_due(alice)

    assert len(fleet(alice).items) == 145 + alice.sandbox.team("Acme Web").gpus


def test_a_cache_that_loses_everything_loses_nobody_a_page(alice: Person) -> None:
    alice.connect("Acme Web")
    first = fleet(alice)

    cache.clear()

    assert len(fleet(alice).items) == len(first.items)


def test_a_cache_that_loses_the_rows_alone_has_them_read_again(alice: Person) -> None:
    connection = alice.connect("Acme Web")
    first = fleet(alice)
    entry = fleet_cache.load([connection.pk])[connection.pk]
    cache.delete(fleet_cache._droplets_key(connection.pk, entry.version))
    fleet_cache._memory.delete(connection.pk)

    found = fleet(alice)

    assert len(found.items) == len(first.items)
    assert found.problems == ()


@pytest.mark.parametrize("nonsense", [b"", b"\xc1", b"\x93\x01\x02\x03", "text", 7, {"a": 1}])
def test_nonsense_in_the_cache_is_ignored(alice: Person, nonsense: object) -> None:
    connection = alice.connect("Acme Web")
    fleet(alice)
    entry = fleet_cache.load([connection.pk])[connection.pk]
    cache.set(fleet_cache._droplets_key(connection.pk, entry.version), nonsense)
    cache.set(fleet_cache._key(connection.pk), nonsense)
    fleet_cache._memory.delete(connection.pk)

    assert fleet(alice).problems == ()
