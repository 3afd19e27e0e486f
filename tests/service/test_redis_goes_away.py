"""Redis goes away while people are at work, and comes back: nobody notices."""

from __future__ import annotations

import re

import pytest

from conveyor.caches import PAUSE
from droplets.fleet import service as fleet_service
from tests.droplets.views.page import Page
from tests.support.at_once import at_once, tab
from tests.support.clock import Clock
from tests.support.pages import says
from tests.support.person import PASSWORD, Person
from tests.support.redis_server import OUTAGES, RedisServer
from tests.support.sandbox import Sandbox
from tests.support.stored import session_of, stray_grants

LOG_IN = "/accounts/login/"
TOO_MANY = "Too many failed login attempts. Try again later."

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def dora(redis: RedisServer, digitalocean: Sandbox) -> Person:
    """Signed up, with a team that has been read, all while Redis was there."""
    person = Person(digitalocean, "dora@example.com", "ada")
    person.sign_up()
    person.connect("Acme Web")
    assert fleet(person) == expected(person, "Acme Web")
    return person


def fleet(person: Person) -> tuple[int, int]:
    """What the fleet's page says: droplets and teams. Nobody has to wait for it, or is told that anything is wrong."""
    page = Page(person.client.get("/droplets/?edition=-"))
    assert page.status == 200
    assert not page.with_class("trouble")
    found = re.search(r"([0-9,]+) droplets in ([0-9]+) team", page.text)
    assert found, page.text
    return int(found[1].replace(",", "")), int(found[2])


def expected(person: Person, *names: str) -> tuple[int, int]:
    teams = [person.sandbox.team(name) for name in names]
    return sum(team.droplets + team.gpus for team in teams), len(teams)


def is_signed_in(person: Person) -> bool:
    return "_auth_user_id" in session_of(person.client)


def guess(sandbox: Sandbox, email: str) -> None:
    """A wrong password, from a browser of its own."""
    Person(sandbox, email).client.post(LOG_IN, {"login": email, "password": "a guess"})


@pytest.mark.parametrize("how", OUTAGES)
def test_everything_goes_on_without_it(dora: Person, redis: RedisServer, how: str) -> None:
    redis.go_away(how)

    assert fleet(dora) == expected(dora, "Acme Web")
    dora.connect("Northwind")
    assert fleet(dora) == expected(dora, "Acme Web", "Northwind")
    url = f"/accounts/connections/{dora.connection('Acme Web').pk}/disconnect/"
    assert dora.client.post(url).status_code == 302
    assert fleet(dora) == expected(dora, "Northwind")
    assert stray_grants(dora.sandbox) == []
    dora.log_out()
    dora.log_in()
    assert is_signed_in(dora)
    newcomer = Person(dora.sandbox, "new@example.com", "grace")
    newcomer.sign_up()
    assert is_signed_in(newcomer)
    assert newcomer.client.get("/droplets/").status_code == 200


def test_it_comes_back_empty_and_is_filled_again(dora: Person, redis: RedisServer, cache_clock: Clock) -> None:
    redis.stop()
    dora.connect("Northwind")
    assert fleet(dora) == expected(dora, "Acme Web", "Northwind")
    redis.start()
    cache_clock.move_on(PAUSE)

    assert fleet(dora) == expected(dora, "Acme Web", "Northwind")
    for connection in dora.connections:
        fleet_service.request_reload(connection)
    assert fleet(dora) == expected(dora, "Acme Web", "Northwind")

    assert {key for connection in dora.connections for key in redis.admin.scan_iter(f"*fleet*{connection.pk}*")}


def test_it_goes_and_comes_under_many_pages_at_once(
    dora: Person, redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conveyor.caches.PAUSE", 0.0)
    tabs = [tab(dora) for _ in range(3)]

    def visit(person: Person) -> set[tuple[int, int]]:
        return {fleet(person) for _ in range(4)}

    def flap() -> set[tuple[int, int]]:
        for _ in range(3):
            redis.stop()
            redis.start()
        return set()

    seen = at_once(flap, *[lambda person=person: visit(person) for person in tabs])

    assert set().union(*seen) == {expected(dora, "Acme Web")}


def test_an_outage_locks_nobody_out(dora: Person, redis: RedisServer) -> None:
    dora.log_out()
    for _ in range(4):
        guess(dora.sandbox, dora.email)
    redis.stop()

    dora.log_in()

    assert is_signed_in(dora)


def test_guessing_is_limited_in_an_outage_too(dora: Person, redis: RedisServer) -> None:
    dora.log_out()
    redis.stop()
    for _ in range(5):
        guess(dora.sandbox, dora.email)

    another = Person(dora.sandbox, dora.email)  # Dora's own browser is known, and not held up
    answer = another.client.post(LOG_IN, {"login": dora.email, "password": PASSWORD})

    assert says(answer, TOO_MANY)
    assert not is_signed_in(another)


def test_a_limit_that_was_reached_before_holds_once_it_answers_again(
    dora: Person, redis: RedisServer, cache_clock: Clock
) -> None:
    dora.log_out()
    for _ in range(5):
        guess(dora.sandbox, dora.email)
    redis.go_away("full")
    guess(dora.sandbox, dora.email)
    redis.make_room()
    cache_clock.move_on(PAUSE)

    another = Person(dora.sandbox, dora.email)
    answer = another.log_in()

    assert says(answer, TOO_MANY)
    assert not is_signed_in(another)
