"""Two people who have connected the same team: each sees the other's actions, and neither blocks the other."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from droplets.calls import rate_limit
from droplets.fleet import cache as fleet_cache
from droplets.fleet import service as fleet_service
from droplets.models import Action
from tests.droplets.actions.acting import DROPLET, Acting
from tests.droplets.views.page import Page
from tests.support.person import Person

IN_PLACE = {"HX-Request": "true"}
LOST = {"path": "/v2/droplets/[0-9]+/actions$", "method": "POST", "phase": "after", "times": 1}


@pytest.fixture
def two(alice: Person, bob: Person) -> tuple[Acting, Acting]:
    """Alice, who may act in Northwind, and Bob, who reads there."""
    connections = alice.connect("Northwind"), bob.connect("Northwind")
    alice.sandbox.droplets("Northwind", count=1)
    fields = {"id": DROPLET, "name": "db-primary", "status": "active", "locked": False, "features": ["monitoring"]}
    alice.sandbox.droplets("Northwind", patch=[{"index": 0, "set": fields}])
    acting, reading = Acting(alice, connections[0]), Acting(bob, connections[1])
    acting.allow()
    acting.connection.refresh_from_db()
    return acting, reading


def progress(of: Acting) -> Page:
    return Page(of.person.client.get(f"{of.address}progress/", headers=IN_PLACE))


# Works


def test_a_colleague_sees_what_is_in_progress_and_by_whom(two: tuple[Acting, Acting]) -> None:
    acting, reading = two
    acting.press("snapshot", name="before-upgrade")

    assert "Taking a snapshot “before-upgrade” In progress ada@acme.example" in progress(reading).text


def test_the_fleets_of_both_are_read_again_when_it_is_done(two: tuple[Acting, Acting]) -> None:
    keys = [each.connection.pk for each in two]
    for each in two:
        fleet_service.read_fleet(each.person.user, wait=True)
    acting, reading = two
    acting.press("reboot")
    assert all(fleet_cache.load([pk])[pk].reload_at for pk in keys)

    acting.sandbox.forward(60)
    Action.objects.update(ask_at=timezone.now())
    progress(reading)

    assert acting.row.status == "completed"
    assert [fleet_cache.load([pk])[pk].reload_at for pk in keys] == [None, None]


# Refuses


def test_a_colleague_without_access_sees_nothing(two: tuple[Acting, Acting]) -> None:
    acting, reading = two
    acting.sandbox.revoke(user="grace")
    acting.press("snapshot", name="before-upgrade")

    assert progress(reading).status == 409
    assert "before-upgrade" not in progress(reading).text


# Handles


def test_a_colleague_who_is_out_of_calls_holds_up_nobody_else(two: tuple[Acting, Acting]) -> None:
    acting, reading = two
    acting.sandbox.fault("reset", **LOST)
    acting.press("reboot")
    assert acting.row.status == "sending"
    rate_limit.block_until(reading.connection.pk, timezone.now() + timedelta(minutes=55))

    progress(reading)
    progress(acting)

    assert acting.row.status == "in_progress"


def test_an_open_page_learns_that_a_colleague_has_destroyed_the_droplet(two: tuple[Acting, Acting]) -> None:
    acting, reading = two
    acting.press("snapshot", name="before-upgrade")
    acting.sandbox.droplets("Northwind", count=0)

    answer = reading.person.client.get(f"{reading.address}progress/", headers=IN_PLACE)

    assert answer["HX-Refresh"] == "true"
