"""Metrics: whether the numbers are coherent, when there are none, and what is refused."""

from __future__ import annotations

import itertools
import time
from typing import Any

import pytest

from tests.sandbox.test_choices import every
from tests.support.sandbox import Sandbox

STEP = 120
DAY = 86_400
LOADS = ("load_1", "load_5", "load_15")
MEMORIES = ("memory_total", "memory_free", "memory_available", "memory_cached")
NAMES = ("cpu", *LOADS, *MEMORIES, "filesystem_size", "filesystem_free", "bandwidth")
Points = dict[int, float]


@pytest.fixture
def token(sandbox: Sandbox) -> str:
    sandbox.settings(burst_limit=0, action_seconds=0)
    found: str = sandbox.connect(team="Acme Web", scope="read write")["access_token"]
    return found


@pytest.fixture
def now() -> int:
    return int(time.time())


def watched(sandbox: Sandbox, token: str, **wanted: Any) -> list[dict[str, Any]]:
    """The droplets with the agent that run, or are as wanted."""
    wanted = {"status": "active", "locked": False, **wanted}
    return [
        each
        for each in every(sandbox, token, "droplets")
        if "monitoring" in each["features"] and all(each[name] == value for name, value in wanted.items())
    ]


def asked(
    sandbox: Sandbox, token: str, name: str, droplet: Any, start: int, end: int, **more: Any
) -> list[dict[str, Any]]:
    """The series of a metric, as they come."""
    if name == "bandwidth":
        more = {"interface": "public", "direction": "inbound", **more}
    host = droplet["id"] if isinstance(droplet, dict) else droplet
    answer = sandbox.get(f"/v2/monitoring/metrics/droplet/{name}", token, host_id=host, start=start, end=end, **more)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["status"], answer.json()["data"]["resultType"]) == ("success", "matrix")
    found: list[dict[str, Any]] = answer.json()["data"]["result"]
    return found


def points(series: dict[str, Any]) -> Points:
    assert all(isinstance(moment, int) and isinstance(value, str) for moment, value in series["values"])
    return {moment: float(value) for moment, value in series["values"]}


def cpu(sandbox: Sandbox, token: str, droplet: Any, start: int, end: int) -> dict[str, Points]:
    return {each["metric"]["mode"]: points(each) for each in asked(sandbox, token, "cpu", droplet, start, end)}


def one(sandbox: Sandbox, token: str, name: str, droplet: Any, start: int, end: int, **more: Any) -> Points:
    (series,) = asked(sandbox, token, name, droplet, start, end, **more)
    return points(series)


def steady(sandbox: Sandbox, token: str, now: int) -> dict[str, Any]:
    """A watched droplet that did not boot by itself in the last day and will not in the next.

    It booted two to eight days ago, and there are nine days or more between two boots.
    """
    for droplet in watched(sandbox, token):
        if 1 < droplet["vcpus"] < 8 and droplet["disk"] < 320:
            modes = cpu(sandbox, token, droplet, now - 600, now)
            if 2 * DAY < sum(list(each.values())[-1] for each in modes.values() if each) / droplet["vcpus"] < 8 * DAY:
                return droplet
    raise LookupError("no droplet booted two to eight days ago")


# What works


@pytest.mark.parametrize("name", NAMES)
def test_points_are_two_minutes_apart_within_what_was_asked(sandbox: Sandbox, token: str, now: int, name: str) -> None:
    droplet = steady(sandbox, token, now)

    for series in asked(sandbox, token, name, droplet, now - 7_200, now - 3_600):
        moments = list(points(series))
        assert moments == list(range(moments[0], moments[-1] + 1, STEP))
        assert moments[0] % STEP == 0
        assert now - 7_200 <= moments[0] < now - 7_200 + STEP
        assert now - 3_600 - STEP < moments[-1] <= now - 3_600
        assert series["metric"]["host_id"] == str(droplet["id"])


@pytest.mark.parametrize("name", NAMES)
def test_a_point_is_the_same_at_every_asking(sandbox: Sandbox, token: str, now: int, name: str) -> None:
    droplet = watched(sandbox, token)[1]
    long = asked(sandbox, token, name, droplet, now - DAY, now)
    short = asked(sandbox, token, name, droplet, now - 1_000, now)
    other = asked(sandbox, token, name, watched(sandbox, token)[2], now - DAY, now)

    for one_series, part in zip(long, short, strict=True):
        assert part["metric"] == one_series["metric"]
        assert part["values"] == one_series["values"][-len(part["values"]) :]
    if name != "memory_total":
        assert [each["values"] for each in other] != [each["values"] for each in long]


def test_counters_of_the_cpu_only_grow_and_add_up_to_the_time(sandbox: Sandbox, token: str, now: int) -> None:
    droplet = next(each for each in watched(sandbox, token) if each["vcpus"] > 1)

    modes = cpu(sandbox, token, droplet, now - 14 * DAY, now)

    assert modes.keys() == {"idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user"}
    moments = list(modes["idle"])
    assert all(list(each) == moments for each in modes.values())
    assert len(moments) > 10_000
    for before, after in itertools.pairwise(moments):
        deltas = {mode: each[after] - each[before] for mode, each in modes.items()}
        if after - before == STEP and all(delta >= 0 for delta in deltas.values()):
            assert sum(deltas.values()) == pytest.approx(STEP * droplet["vcpus"], abs=0.1)
            busy = 1 - (deltas["idle"] + deltas["iowait"]) / sum(deltas.values())
            assert 0 < busy < 0.95
        else:  # a boot: everything from zero
            assert all(each[after] <= (after - before) * droplet["vcpus"] for each in modes.values())


def test_droplets_boot_every_few_weeks(sandbox: Sandbox, token: str, now: int) -> None:
    ages = []
    for droplet in watched(sandbox, token)[:40]:
        modes = cpu(sandbox, token, droplet, now - 600, now)
        ages.append(sum(list(each.values())[-1] for each in modes.values()) / droplet["vcpus"] / DAY)

    assert max(ages) < 54
    assert len({round(age, 3) for age in ages}) == len(ages)
    assert min(ages) < 10 < max(ages)


def test_days_differ_from_nights(sandbox: Sandbox, token: str, now: int) -> None:
    midnight = now // DAY * DAY - 2 * DAY
    for droplet in watched(sandbox, token)[:10]:
        load = one(sandbox, token, "bandwidth", droplet, midnight, midnight + DAY)
        hours = [
            sum(value for moment, value in load.items() if (moment - midnight) // 3_600 == hour) for hour in range(24)
        ]
        assert max(hours) > 1.15 * min(hours)


def test_load_follows_the_cpu(sandbox: Sandbox, token: str, now: int) -> None:
    droplet = steady(sandbox, token, now)
    modes = cpu(sandbox, token, droplet, now - 7_200, now)
    busy = {
        after: droplet["vcpus"] * (1 - (modes["idle"][after] - modes["idle"][before]) / (STEP * droplet["vcpus"]))
        for before, after in itertools.pairwise(modes["idle"])
    }

    loads = {name: one(sandbox, token, name, droplet, now - 7_200, now) for name in LOADS}

    for moment, value in busy.items():
        assert loads["load_1"][moment] == pytest.approx(value * 1.06, abs=0.02)
    spread = {name: max(each.values()) - min(each.values()) for name, each in loads.items()}
    assert spread["load_15"] < spread["load_1"]
    assert sum(loads["load_15"].values()) == pytest.approx(sum(loads["load_1"].values()), rel=0.25)


def test_memory_is_coherent(sandbox: Sandbox, token: str, now: int) -> None:
    for droplet in watched(sandbox, token)[:8]:
        found = {name: one(sandbox, token, name, droplet, now - DAY, now) for name in MEMORIES}
        for moment, total in found["memory_total"].items():
            free, available, cached = (found[f"memory_{each}"][moment] for each in ("free", "available", "cached"))
            assert 0.9 * droplet["memory"] * 2**20 < total < droplet["memory"] * 2**20
            assert 0 < free <= available < total
            assert 0 <= cached <= available
            assert free + cached <= total


def test_disks_and_volumes_are_mounted(sandbox: Sandbox, token: str, now: int) -> None:
    droplet = next(each for each in watched(sandbox, token) if each["volume_ids"])
    volumes = {each["id"]: each for each in every(sandbox, token, "volumes")}

    sizes = asked(sandbox, token, "filesystem_size", droplet, now - 3_600, now)
    free = asked(sandbox, token, "filesystem_free", droplet, now - 3_600, now)

    assert [each["metric"] for each in sizes] == [each["metric"] for each in free]
    labels = [each["metric"] for each in sizes]
    assert (labels[0]["device"], labels[0]["mountpoint"]) == ("/dev/vda1", "/")
    wanted = [droplet["disk"], *(volumes[each]["size_gigabytes"] for each in droplet["volume_ids"])]
    for size, rest, gigabytes in zip(sizes, free, wanted, strict=True):
        left = points(rest)
        for moment, value in points(size).items():
            assert 0.9 * gigabytes * 2**30 < value < gigabytes * 2**30
            assert 0 < left[moment] < value
    assert {each["fstype"] for each in labels} <= {"ext4", "xfs"}


def test_each_wire_has_its_own_traffic(sandbox: Sandbox, token: str, now: int) -> None:
    droplet = steady(sandbox, token, now)
    found = []
    for interface, direction in itertools.product(("public", "private"), ("inbound", "outbound")):
        (series,) = asked(
            sandbox, token, "bandwidth", droplet, now - 3_600, now, interface=interface, direction=direction
        )
        assert series["metric"] == {"host_id": str(droplet["id"]), "interface": interface, "direction": direction}
        assert all(0 < value < 2_000 for value in points(series).values())
        found.append(series["values"])
    assert len({str(each) for each in found}) == 4


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


def test_more_vcpus_count_more_seconds(sandbox: Sandbox, token: str, now: int) -> None:
    droplet = steady(sandbox, token, now)
    for type_, more in (("power_off", {}), ("resize", {"size": "s-8vcpu-16gb", "disk": True}), ("power_on", {})):
        assert sandbox.act(droplet["id"], token, type_, **more).status_code == 201
        sandbox.forward(600)
    sandbox.forward(600)

    modes = cpu(sandbox, token, droplet, now + 1_800, now + DAY)
    before, after = list(modes["idle"])[-2:]
    assert sum(each[after] - each[before] for each in modes.values()) == pytest.approx(8 * STEP, abs=0.1)
    total = one(sandbox, token, "memory_total", droplet, now, now + DAY)
    assert list(total.values())[-1] > 15 * 2**30


# What there is nothing of


def test_without_the_agent_there_is_nothing(sandbox: Sandbox, token: str, now: int) -> None:
    droplets = every(sandbox, token, "droplets")
    without = [each for each in droplets if "monitoring" not in each["features"] and each["status"] == "active"]
    off = watched(sandbox, token, status="off")

    assert len(without) > 20
    for droplet in (*without[:3], off[0], 1):
        for name in NAMES:
            assert asked(sandbox, token, name, droplet, now - DAY, now) == []


def test_another_teams_droplet_has_nothing_to_show(sandbox: Sandbox, token: str, now: int) -> None:
    droplet = watched(sandbox, token)[0]
    other = sandbox.connect(team="Northwind")["access_token"]

    assert asked(sandbox, other, "cpu", droplet, now - DAY, now) == []


def test_nothing_is_known_before_the_making_after_now_and_after_two_weeks(
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


# What is refused


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
def test_odd_questions_are_refused(sandbox: Sandbox, token: str, name: str, wrong: dict[str, Any]) -> None:
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
