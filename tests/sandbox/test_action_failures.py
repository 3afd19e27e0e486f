"""Actions that fail or whose response is lost; and the clock."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tests.support.droplets import LONG, droplet, first, unbacked
from tests.support.sandbox import Sandbox


@pytest.fixture
def token(sandbox: Sandbox) -> str:
    found: str = sandbox.connect(team="Acme Web", scope="read write")["access_token"]
    return found


def test_an_action_can_be_made_to_fail_without_effect(sandbox: Sandbox, token: str) -> None:
    sandbox.settings(actions_fail=True)
    one = first(sandbox, token)
    action = sandbox.act(one["id"], token, "power_off").json()["action"]["id"]
    assert droplet(sandbox, token, one["id"])["locked"]

    sandbox.forward(LONG)

    found = sandbox.get(f"/v2/actions/{action}", token).json()["action"]
    assert (found["status"], found["completed_at"] is None) == ("errored", False)
    assert droplet(sandbox, token, one["id"]) == one


def test_one_action_can_be_ended_either_way(sandbox: Sandbox, token: str) -> None:
    sandbox.settings(action_seconds=LONG)
    one, two = [each["id"] for each in unbacked(sandbox, token) if each["status"] == "active"][:2]
    failing = sandbox.act(one, token, "power_off").json()["action"]["id"]
    working = sandbox.act(two, token, "power_off").json()["action"]["id"]

    sandbox.end_action(failing, "errored")
    sandbox.end_action(working)

    assert [each.status for each in sandbox.actions()] == ["errored", "completed"]
    assert [droplet(sandbox, token, each)["status"] for each in (one, two)] == ["active", "off"]
    with pytest.raises(ValueError, match="not be found"):
        sandbox.end_action(working)
    with pytest.raises(ValueError, match="status must be"):
        sandbox.end_action(working, "in-progress")


@pytest.mark.parametrize("kind", ["reset", "status"])
def test_a_lost_answer_takes_effect_exactly_once(sandbox: Sandbox, token: str, kind: str) -> None:
    one = first(sandbox, token)["id"]
    more = {"status": 502} if kind == "status" else {}
    sandbox.fault(kind, path="/actions$", method="POST", phase="after", times=1, **more)

    try:
        assert sandbox.act(one, token, "snapshot", name="lost").status_code == 502
    except requests.ConnectionError:
        assert kind == "reset"

    (acted,) = sandbox.actions(one)
    assert (acted.type, acted.status, acted.body) == ("snapshot", "in-progress", {"type": "snapshot", "name": "lost"})
    assert sandbox.get(f"/v2/droplets/{one}/actions", token).json()["actions"][0]["id"] == acted.id


def test_an_action_refused_by_a_fault_has_no_effect(sandbox: Sandbox, token: str) -> None:
    one = first(sandbox, token)["id"]
    sandbox.fault("status", path="/actions$", method="POST", status=503, times=1)

    assert sandbox.act(one, token, "reboot").status_code == 503

    assert sandbox.actions(one) == []


def test_of_simultaneous_actions_one_is_accepted(sandbox: Sandbox, token: str) -> None:
    one = first(sandbox, token)["id"]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: sandbox.act(one, token, "reboot"), range(8)))

    assert sorted(answer.status_code for answer in answers) == [201, *[422] * 7]
    assert len(sandbox.actions(one, "reboot")) == 1


def test_an_action_ends_when_a_test_removes_its_droplet(sandbox: Sandbox, token: str) -> None:
    page = sandbox.get("/v2/droplets", token, page=8).json()["droplets"]
    last = [each["id"] for each in page if each["status"] == "active" and not each["locked"]][-1]
    sandbox.act(last, token, "power_off")

    sandbox.droplets("Acme Web", remove=20)
    sandbox.forward(LONG)

    assert sandbox.get("/v2/droplets", token).json()["meta"]["total"] == 130
    assert [each.status for each in sandbox.actions(last)] == ["completed"]


def test_the_clock_goes_forward_only_and_a_reset_brings_it_back(sandbox: Sandbox) -> None:
    def clock(**body: Any) -> requests.Response:
        return requests.post(f"{sandbox.url}/_sandbox/clock", json=body, timeout=10)

    start = clock().json()["now"]
    assert clock(forward=5_000).json()["now"] >= start + 5_000
    assert [clock(forward=odd).status_code for odd in (-1, "soon", None, True, 1e12)] == [422] * 5
    assert clock(back=1).status_code == 422

    sandbox.reset()

    assert clock().json()["now"] < start + 5_000
    assert sandbox.actions() == []
