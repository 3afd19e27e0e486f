"""Reading never uses up what acting needs: many pages of droplets within a minute, and an action among them."""

from __future__ import annotations

from itertools import cycle, islice
from time import monotonic

import pytest

from accounts.models import Connection
from droplets.calls import rate_limit
from tests.droplets.actions.acting import DROPLET, Acting
from tests.droplets.views.page import Page
from tests.support.person import Person

DROPLETS, VIEWS = 100, 300


@pytest.fixture
def three(alice: Person, bob: Person) -> list[Acting]:
    """Three people in one team of a hundred droplets. All may act."""
    carol = Person(alice.sandbox, "carol@example.com", "linus")
    carol.sign_up()
    people = [alice, bob, carol]
    for name in ("grace", "linus"):
        alice.sandbox.account(name, team="Acme Web")
    connections = [person.connect("Acme Web") for person in people]
    alice.sandbox.droplets("Acme Web", count=DROPLETS)
    fields = {"id": DROPLET, "name": "db-primary", "status": "active", "locked": False, "features": []}
    alice.sandbox.droplets("Acme Web", patch=[{"index": 0, "set": fields}])
    found = [Acting(person, connection) for person, connection in zip(people, connections, strict=True)]
    for acting in found:
        acting.allow()
    return found


def view(acting: Acting, address: str) -> Page:
    return Page(acting.person.client.get(address))


# Works


def test_an_action_goes_through_among_three_hundred_views(three: list[Acting]) -> None:
    pages = {acting: Page(acting.person.client.get("/droplets/?per_page=200")).droplets() for acting in three}
    began, statuses = monotonic(), []
    for number, acting in enumerate(islice(cycle(three), VIEWS)):
        own = [link for link in pages[acting] if str(acting.connection.pk) in link] or [acting.address]
        statuses.append(view(acting, own[number % len(own)]).status)
        if number == VIEWS // 2:
            assert acting.open("reboot").status == 200
            assert acting.press("reboot").status_code == 302
    spent = monotonic() - began

    assert [each.type for each in three[0].done()] == ["reboot"]
    assert set(statuses) <= {200, 502}
    assert spent < 60 or 502 not in statuses  # else the minute moved on


def test_a_page_that_has_no_calls_left_says_so_and_an_action_still_goes_through(three: list[Acting]) -> None:
    acting = three[0]
    while rate_limit.reserve(acting.connection.pk, 1, for_reading=True) is None:
        pass

    page = view(acting, acting.address)

    assert page.status == 502
    assert "Try again" in page.text
    assert acting.open("reboot").status == 200
    assert acting.press("reboot").status_code == 302
    assert len(acting.done()) == 1


# Handles


def test_a_form_works_without_the_calls_that_it_can_do_without(three: list[Acting]) -> None:
    acting = three[0]
    acting.change(features=["backups"])
    rate_limit.forget(acting.connection.pk)
    assert rate_limit.reserve(acting.connection.pk, rate_limit.MOST_AT_ONCE - 1) is None

    page = acting.open("change_backup_policy")

    assert page.status == 200
    assert "Some choices could not be loaded." in page.text
    assert page.with_class("btn-primary")


def test_other_connections_of_the_team_are_not_held_up(three: list[Acting]) -> None:
    first, second = three[0], three[1]
    while rate_limit.reserve(first.connection.pk, 1) is None:
        pass

    assert view(second, second.address).status == 200
    assert second.press("reboot").status_code == 302
    assert Connection.objects.filter(team_name="Acme Web").count() == 3
