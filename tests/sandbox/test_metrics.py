"""Metrics: the values are consistent."""

from __future__ import annotations

import itertools
import time

import pytest

from tests.support.droplets import every
from tests.support.metrics import DAY, LOADS, MEMORIES, NAMES, STEP, asked, cpu, one, points, steady, watched
from tests.support.sandbox import Sandbox


@pytest.fixture
def token(sandbox: Sandbox) -> str:
    sandbox.settings(burst_limit=0, action_seconds=0)
    found: str = sandbox.connect(team="Acme Web", scope="read write")["access_token"]
    return found


@pytest.fixture
def now() -> int:
    return int(time.time())


@pytest.mark.parametrize("name", NAMES)
def test_points_are_two_minutes_apart_in_the_requested_time(sandbox: Sandbox, token: str, now: int, name: str) -> None:
    droplet = steady(sandbox, token, now)

    for series in asked(sandbox, token, name, droplet, now - 7_200, now - 3_600):
        moments = list(points(series))
        assert moments == list(range(moments[0], moments[-1] + 1, STEP))
        assert moments[0] % STEP == 0
        assert now - 7_200 <= moments[0] < now - 7_200 + STEP
        assert now - 3_600 - STEP < moments[-1] <= now - 3_600
        assert series["metric"]["host_id"] == str(droplet["id"])


@pytest.mark.parametrize("name", NAMES)
def test_a_point_always_has_the_same_value(sandbox: Sandbox, token: str, now: int, name: str) -> None:
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


def test_each_interface_and_direction_has_its_own_traffic(sandbox: Sandbox, token: str, now: int) -> None:
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
