from __future__ import annotations

import random
from itertools import accumulate

import pytest

from digitalocean_client.metrics import Points, Series
from droplets.metrics.cpu import BUSY, counters, shares

STEP = 120


def counter(*seconds: float, start: int = 0) -> Points:
    """A point every two minutes."""
    return {start + place * STEP: value for place, value in enumerate(seconds)}


def series(mode: str, points: Points) -> Series:
    return Series({"mode": mode}, points)


# Works


def test_busy_is_what_is_neither_idle_nor_waiting() -> None:
    """The first step of the example in DigitalOcean's reference: 119.74 s idle and 0.02 s of I/O wait in 119.96 s."""
    found = shares(
        {
            "idle": counter(122_901.18, 123_020.92),
            "iowait": counter(14.43, 14.45),
            "user": counter(1_004.1, 1_004.24),
            "system": counter(300.0, 300.06),
        }
    )

    assert found[BUSY] == {STEP: pytest.approx(0.17, abs=0.005)}
    assert found["idle"][STEP] == pytest.approx(100 * 119.74 / 119.96)
    assert sum(found[mode][STEP] for mode in ("idle", "iowait", "user", "system")) == pytest.approx(100)


@pytest.mark.parametrize("vcpus", [1, 2, 64])
def test_how_many_cpus_there_are_does_not_matter(vcpus: int) -> None:
    found = shares({"idle": counter(0, 90 * vcpus), "user": counter(0, 30 * vcpus)})

    assert found == {"idle": {STEP: 75}, "user": {STEP: 25}, BUSY: {STEP: 25}}


def test_counters_of_several_cpus_are_added_up() -> None:
    one, two = counter(0, 100), counter(0, 20)

    found = counters([series("idle", one), series("idle", two), series("user", one), series("user", two)])

    assert found == {"idle": counter(0, 120), "user": counter(0, 120)}


def test_all_shares_of_a_moment_make_a_hundred() -> None:
    chance = random.Random(1)
    modes = {
        mode: counter(*accumulate(chance.uniform(0, 60) for _ in range(200)))
        for mode in ("idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user")
    }

    found = shares(modes)

    assert len(found[BUSY]) == 199
    for at in found[BUSY]:
        assert sum(found[mode][at] for mode in modes) == pytest.approx(100)
        assert 0 <= found[BUSY][at] <= 100


# Leaves out


def test_an_interval_with_a_reboot_in_it() -> None:
    found = shares({"idle": counter(5_000, 5_100, 40, 140), "user": counter(500, 520, 5, 25)})

    assert list(found[BUSY]) == [STEP, 3 * STEP]


def test_an_interval_in_which_a_single_counter_fell() -> None:
    found = shares({"idle": counter(0, 100, 200, 300), "user": counter(10, 20, 15, 25)})

    assert list(found[BUSY]) == [STEP, 3 * STEP]


def test_an_interval_in_which_nothing_was_counted() -> None:
    found = shares({"idle": counter(0, 100, 100, 200), "user": counter(0, 20, 20, 40)})

    assert list(found[BUSY]) == [STEP, 3 * STEP]


def test_a_moment_at_which_a_mode_is_missing() -> None:
    user = counter(0, 20, 40, 60)
    del user[2 * STEP]

    found = shares({"idle": counter(0, 100, 200, 300), "user": user})

    assert found["idle"] == {STEP: pytest.approx(100 / 1.2), 3 * STEP: pytest.approx(100 / 1.2)}


def test_what_happened_over_a_gap() -> None:
    later = counter(9_000, 9_100, start=100_000)

    found = shares({"idle": counter(0, 100, 200) | later, "user": counter(0, 20, 40) | later})

    assert list(found[BUSY]) == [STEP, 2 * STEP, 100_000 + STEP]


@pytest.mark.parametrize(
    "modes",
    [
        {},
        {"user": counter(0, 100)},  # of how much, nobody knows
        {"idle": counter(100), "user": counter(1)},
        {"idle": counter(0, 100), "user": counter(0, 100, start=7)},
        {"idle": {}, "user": counter(0, 100)},
    ],
)
def test_without_usable_counters_there_is_no_share(modes: dict[str, Points]) -> None:
    assert not shares(modes).get(BUSY)


def test_a_series_without_a_mode() -> None:
    assert counters([Series({}, counter(1, 2)), series("", counter(1, 2))]) == {}
