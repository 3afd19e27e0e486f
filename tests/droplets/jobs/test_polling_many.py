"""The actions under way in a team are polled by one call, where that is possible."""

from __future__ import annotations

import pytest

from accounts.models import Connection
from droplets.models import Action, JobTeam
from tests.droplets.jobs.many import Many

LIST = "GET /v2/actions"
ONE = "GET /v2/droplets/{droplet_id}/actions/{action_id}"


def calls(many: Many) -> tuple[int, int]:
    """Of the list, and for single actions."""
    made = many.sandbox.counters().by_endpoint
    return made.get(LIST, 0), made.get(ONE, 0)


@pytest.fixture
def started(many: Many) -> Many:
    """Six actions under way."""
    many.start("reboot", at_once=20)
    many.work()
    assert many.states() == ["running"] * 6
    many.sandbox.reset_counters()
    return many


# Works


def test_one_call_for_all(started: Many) -> None:
    started.go_on()

    assert started.states() == ["done"] * 6
    assert calls(started) == (1, 0)


def test_each_gets_the_state_of_its_own_action(started: Many) -> None:
    failed = Action.objects.all()[2]
    started.sandbox.end_action(failed.digitalocean_id or 0, "errored")

    started.go_on()

    states = {row.pk: row.status for row in Action.objects.all()}
    assert states.pop(failed.pk) == "errored"
    assert set(states.values()) == {"completed"}
    assert sorted(started.states()) == ["done"] * 5 + ["failed"]


def test_a_single_action_is_polled_by_itself(many: Many) -> None:
    many.start("reboot", at_once=2)
    many.work()
    many.sandbox.reset_counters()

    many.go_on()

    assert calls(many) == (0, 2)


# Handles


def test_actions_that_are_not_in_the_list_are_asked_for_singly(started: Many) -> None:
    """Other programs of the team may have begun more than the list has."""
    started.sandbox.fault("json", path="/v2/actions$", json={"actions": [], "meta": {"total": 0}})

    started.go_on()

    assert started.states() == ["done"] * 6
    assert calls(started) == (1, 6)


@pytest.mark.parametrize(
    "fault", [{"kind": "status", "status": 403}, {"kind": "json", "json": {"other": 1}}], ids=["refused", "malformed"]
)
def test_where_the_list_is_of_no_use(started: Many, fault: dict[str, object]) -> None:
    started.sandbox.fault(path="/v2/actions$", **fault)  # type: ignore[arg-type]  # kind is a str

    started.go_on()

    assert started.states() == ["done"] * 6
    assert calls(started)[1] == 6


def test_without_the_scope_for_the_list(started: Many) -> None:
    Connection.objects.update(scope="droplet:read droplet:update")

    started.go_on()

    assert started.states() == ["done"] * 6
    assert calls(started) == (0, 6)


def test_while_digitalocean_is_ill_no_more_calls_are_made(started: Many) -> None:
    started.sandbox.fault("status", path="/v2/actions$", status=503)

    started.go_on()

    assert started.states() == ["running"] * 6
    assert calls(started)[1] == 0
    assert JobTeam.objects.get().waits_for == "DigitalOcean is having trouble answering."
    started.sandbox.clear_faults()
    started.go_on()
    assert started.states() == ["done"] * 6
    assert JobTeam.objects.get().waits_for == ""
    assert started.sent() == 0
