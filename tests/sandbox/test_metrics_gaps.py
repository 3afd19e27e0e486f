"""Metrics: when there are none, when counters restart, and invalid queries."""

from __future__ import annotations

import itertools
import time
from typing import Any

import pytest

from tests.support.droplets import every
from tests.support.metrics import DAY, NAMES, STEP, Points, asked, cpu, one, points, steady, watched
from tests.support.sandbox import Sandbox


@pytest.fixture
def token(sandbox: Sandbox) -> str:
    sandbox.settings(burst_limit=0, action_seconds=0)
    found: str = sandbox.connect(team="Acme Web", scope="read write")["access_token"]
    return found


@pytest.fixture
def now() -> int:
    return int(time.time())


def test_a_droplet_that_is_turned_off_leaves_a_gap(sandbox: Sandbox, token: str, now: int) -> None:
    droplet = steady(sandbox, token, now)

    def act(type_: str) -> None:
        assert sandbox.act(droplet["id"], token, type_).status_code == 201
        sandbox.forward(1_200)

    act("power_off")
    act("power_on")
    idle = cpu(sandbox, token, droplet, now - 3_600, now + DAY)["idle"]

    (gap,) = [(before, after) for before, after in itertools.pairwise(idle) if after - before > STEP]
    assert 1_200 <= gap[1] - gap[0] <= 1_200 + 3 * STEP
    assert idle[gap[1]] <= 2 * STEP * droplet["vcpus"] < idle[gap[0]]
    for name in NAMES:
        assert list(points(asked(sandbox, token, name, droplet, now - 3_600, now + DAY)[0])) == list(idle)


def test_a_reboot_starts_the_counters_again(sandbox: Sandbox, token: str, now: int) -> None:
    droplet = steady(sandbox, token, now)
    sandbox.act(droplet["id"], token, "reboot")
    sandbox.forward(600)

    idle = cpu(sandbox, token, droplet, now - 600, now + 600)["idle"]

    falls = [after for before, after in itertools.pairwise(idle) if idle[after] < idle[before]]
    assert len(falls) == 1
    assert now <= falls[0] <= now + 3 * STEP


def one_disk(sandbox: Sandbox, token: str, name: str, droplet: Any, start: int, end: int) -> Points:
    """The points of the droplet's own disk, without its volumes."""
    return points(asked(sandbox, token, name, droplet, start, end)[0])


def test_a_larger_size_counts_more_seconds_and_has_more_room(sandbox: Sandbox, token: str, now: int) -> None:
    droplet = steady(sandbox, token, now)
    size = list(one_disk(sandbox, token, "filesystem_size", droplet, now - 600, now).values())[-1]
    free = list(one_disk(sandbox, token, "filesystem_free", droplet, now - 600, now).values())[-1]
    for type_, more in (("power_off", {}), ("resize", {"size": "s-8vcpu-16gb", "disk": True}), ("power_on", {})):
        assert sandbox.act(droplet["id"], token, type_, **more).status_code == 201
        sandbox.forward(600)
    sandbox.forward(600)

    modes = cpu(sandbox, token, droplet, now + 1_800, now + DAY)
    before, after = list(modes["idle"])[-2:]
    assert sum(each[after] - each[before] for each in modes.values()) == pytest.approx(8 * STEP, abs=0.1)
    total = one(sandbox, token, "memory_total", droplet, now, now + DAY)
    assert list(total.values())[-1] > 15 * 2**30
    larger = list(one_disk(sandbox, token, "filesystem_size", droplet, now, now + DAY).values())[-1]
    freer = list(one_disk(sandbox, token, "filesystem_free", droplet, now, now + DAY).values())[-1]
    assert larger > size
    assert larger - freer == pytest.approx(size - free, rel=0.06)


def test_without_the_agent_there_are_no_metrics(sandbox: Sandbox, token: str, now: int) -> None:
    droplets = every(sandbox, token, "droplets")
    without = [each for each in droplets if "monitoring" not in each["features"] and each["status"] == "active"]
    off = watched(sandbox, token, status="off")

    assert len(without) > 20
    for droplet in (*without[:3], off[0], 1):
        for name in NAMES:
            assert asked(sandbox, token, name, droplet, now - DAY, now) == []


def test_another_teams_droplet_has_no_metrics(sandbox: Sandbox, token: str, now: int) -> None:
    droplet = watched(sandbox, token)[0]
    other = sandbox.connect(team="Northwind")["access_token"]

    assert asked(sandbox, other, "cpu", droplet, now - DAY, now) == []


def test_there_are_no_points_before_creation_in_the_future_or_after_two_weeks(
    sandbox: Sandbox, token: str, now: int
) -> None:
    droplet = steady(sandbox, token, now)

    found = list(one(sandbox, token, "load_1", droplet, 0, now + 10 * DAY))

    assert now - 14 * DAY - 2 * STEP <= found[0] <= now - 14 * DAY + STEP
    assert now - 2 * STEP <= found[-1] <= time.time()
    assert asked(sandbox, token, "load_1", droplet, now + 600, now + 1_200) == []
    sandbox.droplets("Acme Web", patch=[{"index": 0, "set": {"features": ["monitoring"], "status": "active"}}])
    first = every(sandbox, token, "droplets")[0]
    recent = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - 3_600))
    sandbox.droplets("Acme Web", patch=[{"index": 0, "set": {"created_at": recent}}])
    assert now - 3_600 < next(iter(one(sandbox, token, "load_1", first, now - DAY, now))) < now - 3_600 + 3 * STEP


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("cpu", {"host_id": None}),
        ("cpu", {"host_id": "web-01"}),
        ("cpu", {"start": None}),
        ("cpu", {"end": None}),
        ("cpu", {"start": "yesterday"}),
        ("cpu", {"start": "-5"}),
        ("cpu", {"start": "9" * 400}),
        ("cpu", {"start": 200, "end": 100}),
        ("bandwidth", {"interface": None}),
        ("bandwidth", {"interface": "eth0"}),
        ("bandwidth", {"direction": None}),
        ("bandwidth", {"direction": "up"}),
    ],
)
def test_invalid_queries_are_refused(sandbox: Sandbox, token: str, name: str, wrong: dict[str, Any]) -> None:
    query = {"host_id": "1", "start": 100, "end": 200}
    if name == "bandwidth":
        query |= {"interface": "public", "direction": "inbound"}
    path = f"/v2/monitoring/metrics/droplet/{name}"

    assert sandbox.get(path, token, **query).status_code == 200
    answer = sandbox.get(path, token, **{key: value for key, value in (query | wrong).items() if value is not None})
    assert (answer.status_code, answer.json()["id"]) == (422, "unprocessable_entity")


def test_metrics_need_their_scope(sandbox: Sandbox, token: str, now: int) -> None:
    droplet = watched(sandbox, token)[0]
    poor = sandbox.connect(team="Acme Web", scope="droplet:read")["access_token"]
    enough = sandbox.connect(team="Acme Web", scope="monitoring:read")["access_token"]

    for name in NAMES:
        path = f"/v2/monitoring/metrics/droplet/{name}"
        assert sandbox.get(path, poor, host_id=1, start=1, end=2).status_code == 403
    assert asked(sandbox, enough, "cpu", droplet, now - 600, now)
    assert sandbox.get("/v2/monitoring/metrics/droplet/mood", token).status_code == 404
