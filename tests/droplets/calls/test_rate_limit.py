"""Calls that stay under DigitalOcean's limits: 5,000 an hour and 250 a minute, each counted from when it was made."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.cache import cache
from hypothesis import given, settings
from hypothesis import strategies as st

from droplets.calls import rate_limit
from droplets.calls.rate_limit import MOST_AT_ONCE, RollingWindow
from tests.support.at_once import at_once
from tests.support.programs import DEPLOYED, PROJECT, environment
from tests.support.redis_server import RedisServer

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
A_MINUTES, AN_HOURS = 240, 4_800
"""What is granted of 250 and 5,000: four percent are left to others."""

IN_A_PROCESS = """
import sys, django
django.setup()
from datetime import datetime
from uuid import UUID
from droplets.calls import rate_limit
connection, now = UUID(sys.argv[1]), datetime.fromisoformat(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
print(sum(rate_limit.reserve(connection, 3, now=now) is None for _ in range(40)))
"""


@pytest.fixture
def pk() -> UUID:
    return uuid4()


class Meanwhile:
    """The shared cache, where others come in between: before a reading of the counts, after it, before a taking back.

    Each happening happens once.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.before: list[Callable[[], object]] = []
        self.after: list[Callable[[], object]] = []
        self.before_taking_back: list[Callable[[], object]] = []
        monkeypatch.setattr(rate_limit, "shared", lambda: self)

    def __getattr__(self, name: str) -> Any:
        return getattr(cache, name)

    def get_many(self, keys: Iterable[str]) -> dict[str, Any]:
        self._let(self.before)
        found = cache.get_many(keys)
        self._let(self.after)
        return found

    def decr(self, key: str, calls: int) -> int:
        self._let(self.before_taking_back)
        return cache.decr(key, calls)

    def _let(self, happenings: list[Callable[[], object]]) -> None:
        if happenings:
            happenings.pop(0)()


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    return Meanwhile(monkeypatch)


def granted(pk: UUID, at: datetime, *, at_a_time: int = 1, most: int = 10_000) -> int:
    """How many calls are granted at one moment, asking on and on."""
    total = 0
    while total < most and rate_limit.reserve(pk, at_a_time, now=at) is None:
        total += at_a_time
    return total


def use_up_an_hour(pk: UUID, until: datetime) -> None:
    """All that an hour has, spread over its minutes, the last of which begins a minute before `until`."""
    for number in range(20, 0, -1):
        assert rate_limit.reserve(pk, A_MINUTES, now=until - number * 2 * MINUTE) is None


# Works


def test_a_minute_has_room_for_a_large_reading(pk: UUID) -> None:
    assert granted(pk, NOW) == A_MINUTES


def test_it_is_asked_in_parts_and_says_when_there_is_more(pk: UUID) -> None:
    assert granted(pk, NOW, at_a_time=25) == 225

    later = rate_limit.reserve(pk, 25, now=NOW)

    assert later
    assert NOW + MINUTE <= later <= NOW + timedelta(seconds=70)
    assert rate_limit.reserve(pk, 15, now=NOW) is None
    assert rate_limit.reserve(pk, 25, now=later) is None


def test_an_hour_has_its_limit_too(pk: UUID) -> None:
    use_up_an_hour(pk, NOW)

    later = rate_limit.reserve(pk, 1, now=NOW)

    assert later
    assert NOW + 20 * MINUTE <= later <= NOW + 25 * MINUTE  # the first were made forty minutes ago
    assert rate_limit.reserve(pk, 1, now=later - timedelta(seconds=1)) == later
    assert granted(pk, later) == A_MINUTES


def test_an_hour_is_never_shorter_than_one(pk: UUID) -> None:
    """Whichever bucket's end the calls were made at."""
    first = NOW + timedelta(seconds=299)
    use_up_an_hour(pk, first + 40 * MINUTE)

    assert rate_limit.reserve(pk, 1, now=first + HOUR - timedelta(seconds=1)) is not None


def test_reads_leave_a_fifth_of_each_limit_to_actions(pk: UUID) -> None:
    reads = partial(rate_limit.reserve, pk, 10, for_reading=True)
    assert sum(reads(now=NOW) is None for _ in range(50)) == 19
    assert rate_limit.reserve(pk, A_MINUTES - 190, now=NOW) is None

    rate_limit.note_allowance(pk, remaining=1_000, limit=5_000, reset_at=NOW + HOUR, now=NOW + 2 * MINUTE)

    assert reads(now=NOW + 2 * MINUTE) is not None
    assert rate_limit.reserve(pk, 10, now=NOW + 2 * MINUTE) is None


def test_each_connection_has_a_budget_of_its_own(pk: UUID) -> None:
    granted(pk, NOW)

    assert rate_limit.reserve(uuid4(), A_MINUTES, now=NOW) is None


def test_what_others_did_with_the_grant_counts(pk: UUID) -> None:
    rate_limit.reserve(pk, 100, now=NOW)

    rate_limit.note_allowance(pk, remaining=5_000 - 100 - 4_650, limit=5_000, reset_at=NOW + MINUTE, now=NOW)

    assert granted(pk, NOW) == AN_HOURS - 4_650 - 100
    assert rate_limit.reserve(pk, 10, now=NOW)


def test_what_others_did_wears_off_within_the_hour(pk: UUID) -> None:
    rate_limit.note_allowance(pk, remaining=200, limit=5_000, reset_at=NOW + MINUTE, now=NOW)
    assert granted(pk, NOW) == 0

    later = rate_limit.reserve(pk, 200, now=NOW)

    assert later
    assert NOW < later <= NOW + 10 * MINUTE
    assert rate_limit.reserve(pk, 200, now=later) is None
    assert granted(pk, NOW + HOUR) == A_MINUTES


def test_our_own_calls_are_not_taken_for_those_of_others(pk: UUID) -> None:
    for number in range(10):
        assert rate_limit.reserve(pk, 200, now=NOW + number * 2 * MINUTE) is None
    at = NOW + 20 * MINUTE

    rate_limit.note_allowance(pk, remaining=3_000, limit=5_000, reset_at=NOW + HOUR, now=at)

    for number in range(11):
        assert rate_limit.reserve(pk, A_MINUTES, now=at + number * 2 * MINUTE) is None


def test_a_smaller_limit_of_digitaloceans_is_kept(pk: UUID) -> None:
    rate_limit.note_allowance(pk, remaining=100, limit=100, reset_at=NOW + MINUTE, now=NOW)

    assert granted(pk, NOW) == 96


def test_after_a_429_nothing_is_asked_until_it_makes_sense(pk: UUID) -> None:
    until = NOW + timedelta(seconds=37)

    rate_limit.block_until(pk, until, now=NOW)

    assert rate_limit.reserve(pk, 1, now=NOW) == until
    assert rate_limit.reserve(pk, 1, now=until - timedelta(seconds=1)) == until
    assert rate_limit.reserve(pk, 1, now=until) is None


def test_nothing_left_means_waiting_for_the_oldest_call_to_count_no_longer(pk: UUID) -> None:
    rate_limit.note_allowance(pk, remaining=0, limit=5_000, reset_at=NOW + 40 * MINUTE, now=NOW)

    assert rate_limit.reserve(pk, 1, now=NOW) == NOW + 40 * MINUTE
    assert rate_limit.reserve(pk, 1, now=NOW + 40 * MINUTE) is None


@pytest.mark.parametrize(
    ("calls", "limit", "seconds"),
    [(1, 5_000, 30), (8, 5_000, 30), (10, 5_000, 36), (51, 5_000, 183.6), (51, 10_000, 91.8), (2, 0, 7_200)],
)
def test_a_reading_is_fresh_for_as_long_as_renewing_it_takes_a_fifth_of_the_limit(
    calls: int, limit: int, seconds: float
) -> None:
    assert rate_limit.fresh_for(calls, limit) == timedelta(seconds=seconds)


def test_renewing_a_reading_whenever_it_is_no_longer_fresh_never_meets_the_limit(pk: UUID) -> None:
    moment = NOW
    while moment < NOW + 2 * HOUR:
        assert rate_limit.reserve(pk, 51, now=moment) is None
        moment += rate_limit.fresh_for(51)


def test_a_connection_that_is_gone_leaves_nothing(pk: UUID) -> None:
    granted(pk, NOW)
    rate_limit.note_allowance(pk, remaining=0, limit=5_000, reset_at=NOW + HOUR, now=NOW)

    rate_limit.forget(pk, now=NOW)

    assert granted(pk, NOW) == A_MINUTES


moves = st.sampled_from([0, 1, 5, 9, 10, 31, 59, 60, 61, 150, 299, 300, 1200, 3500]).map(lambda s: timedelta(seconds=s))
asks = st.lists(st.tuples(moves, st.integers(1, MOST_AT_ONCE)), max_size=40)


@settings(max_examples=50, deadline=None)
@given(asks, st.integers(0, 599))
def test_no_minute_and_no_hour_ever_holds_more_than_its_limit(asks: list[Any], start: int) -> None:
    """Held against a list of all calls, from any place within a bucket on."""
    pk, moment, made = uuid4(), NOW + timedelta(seconds=start), []

    def used(at: datetime, window: timedelta) -> int:
        return sum(calls for when, calls in made if at - window < when <= at)

    for wait, calls in asks:
        moment += wait
        later = rate_limit.reserve(pk, calls, now=moment)
        if later:
            # Not without need: the last bucket of a window is longer than what it stands for, and no more than that.
            busy = used(moment, MINUTE + timedelta(seconds=10)) + calls > A_MINUTES
            assert busy or used(moment, HOUR + 5 * MINUTE) + calls > AN_HOURS
            assert moment < later <= moment + HOUR + 5 * MINUTE
            assert rate_limit.reserve(pk, calls, now=later) is None
            moment = later
        made.append((moment, calls))
        assert used(moment, MINUTE) <= A_MINUTES
        assert used(moment, HOUR) <= AN_HOURS


# Refuses


@pytest.mark.parametrize("calls", [0, -1, MOST_AT_ONCE + 1])
def test_a_number_of_calls_that_no_minute_can_hold(pk: UUID, calls: int) -> None:
    with pytest.raises(ValueError, match="Between 1 and 240"):
        rate_limit.reserve(pk, calls, now=NOW)


@pytest.mark.parametrize(("remaining", "limit"), [(-5, 5_000), (9_999, 5_000), (10, 0), (10, -1), (0, 0)])
def test_headers_that_make_no_sense_lock_nobody_out(pk: UUID, remaining: int, limit: int) -> None:
    for reset_at in (datetime.min, datetime.max):
        reset = reset_at.replace(tzinfo=UTC)
        rate_limit.note_allowance(pk, remaining=remaining, limit=limit, reset_at=reset, now=NOW)

        assert granted(pk, NOW + HOUR, at_a_time=60) == A_MINUTES
        rate_limit.forget(pk, now=NOW + HOUR)


def test_a_limit_smaller_than_what_is_asked_for_is_no_dead_end(pk: UUID) -> None:
    rate_limit.note_allowance(pk, remaining=10, limit=10, reset_at=NOW, now=NOW)
    assert rate_limit.reserve(pk, 25, now=NOW) is None

    later = rate_limit.reserve(pk, 25, now=NOW)

    assert later
    assert rate_limit.reserve(pk, 25, now=later) is None


@pytest.mark.parametrize("until", [datetime.min, NOW.replace(tzinfo=None) - HOUR, NOW.replace(tzinfo=None)])
def test_a_block_that_is_over_is_none(pk: UUID, until: datetime) -> None:
    rate_limit.block_until(pk, until.replace(tzinfo=UTC), now=NOW)

    assert rate_limit.reserve(pk, 1, now=NOW) is None


def test_a_block_lasts_an_hour_at_most_and_is_not_shortened_by_another(pk: UUID) -> None:
    rate_limit.block_until(pk, datetime.max.replace(tzinfo=UTC), now=NOW)
    rate_limit.block_until(pk, NOW + MINUTE, now=NOW)

    assert rate_limit.reserve(pk, 1, now=NOW) == NOW + HOUR
    assert rate_limit.reserve(pk, 1, now=NOW + HOUR) is None


# Handles


def test_who_comes_in_between_is_seen(pk: UUID, meanwhile: Meanwhile) -> None:
    meanwhile.after = [partial(rate_limit.reserve, pk, 200, now=NOW)]

    assert rate_limit.reserve(pk, 100, now=NOW) is not None

    assert granted(pk, NOW) == A_MINUTES - 200


def test_who_comes_in_between_and_leaves_enough_is_no_reason_to_wait(pk: UUID, meanwhile: Meanwhile) -> None:
    meanwhile.after = [partial(rate_limit.reserve, pk, 100, now=NOW)]

    assert rate_limit.reserve(pk, 100, now=NOW) is None

    assert granted(pk, NOW) == A_MINUTES - 200


def test_what_was_too_much_for_a_moment_only_is_asked_again(pk: UUID, meanwhile: Meanwhile) -> None:
    keys = [key for key in rate_limit._keys(pk, NOW.timestamp()) if key.endswith(str(int(NOW.timestamp()) // 10))]
    meanwhile.after = [lambda: [cache.set(key, 200) for key in keys]]
    meanwhile.before = [lambda: None, lambda: cache.delete_many(keys)]

    assert rate_limit.reserve(pk, 100, now=NOW) is None


def test_a_crowd_that_is_always_in_between_means_asking_again_soon(pk: UUID, meanwhile: Meanwhile) -> None:
    key = next(key for key in rate_limit._keys(pk, NOW.timestamp()) if key.endswith(str(int(NOW.timestamp()) // 10)))
    meanwhile.after = [partial(cache.set, key, 200)] * 9
    meanwhile.before = [partial(cache.delete, key)] * 9

    assert rate_limit.reserve(pk, 100, now=NOW) == NOW + timedelta(seconds=1)


def test_a_cache_that_is_emptied_before_something_is_taken_back(pk: UUID, meanwhile: Meanwhile) -> None:
    meanwhile.after = [partial(rate_limit.reserve, pk, 200, now=NOW)]
    meanwhile.before_taking_back = [cache.clear]

    assert rate_limit.reserve(pk, 100, now=NOW) is None  # tried again, and nobody is left


def test_threads_at_once_get_no_more_than_there_is_and_take_back_what_was_too_much(pk: UUID) -> None:
    def ask() -> int:
        return sum(calls for calls in (7, 3, 1, 25) * 5 if rate_limit.reserve(pk, calls, now=NOW) is None)

    got = sum(at_once(*[ask] * 16))

    assert got <= A_MINUTES
    assert got + granted(pk, NOW) == A_MINUTES


def test_processes_share_one_budget_in_redis(pk: UUID, redis: RedisServer) -> None:
    prefix = uuid4().hex
    given = {"REDIS_URL": redis.url, "CACHE_PREFIX": prefix, "DJANGO_SETTINGS_MODULE": "conveyor.settings"}
    command = [sys.executable, "-c", IN_A_PROCESS, str(pk), NOW.isoformat()]
    processes = [
        subprocess.Popen(
            command,
            cwd=PROJECT,
            env=environment({**DEPLOYED, **given}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"

    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    got = [3 * int(process.communicate(timeout=60)[0]) for process in processes]

    assert A_MINUTES - 3 * 3 * 3 <= sum(got) <= A_MINUTES


def test_a_cache_that_is_emptied_begins_anew_and_learns_from_the_next_answer(pk: UUID) -> None:
    granted(pk, NOW)
    assert rate_limit.reserve(pk, 1, now=NOW)

    cache.clear()
    assert granted(pk, NOW, most=5) == 5
    rate_limit.note_allowance(pk, remaining=100, limit=5_000, reset_at=NOW + MINUTE, now=NOW)

    assert rate_limit.reserve(pk, 1, now=NOW)


def test_redis_may_go_away_and_come_back_at_any_moment(
    pk: UUID, redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conveyor.caches.PAUSE", 0)
    for _ in range(3):
        assert rate_limit.reserve(pk, 1, now=NOW) is None
        redis.stop()
        assert rate_limit.reserve(pk, 1, now=NOW) is None
        rate_limit.note_allowance(pk, remaining=4_000, limit=5_000, reset_at=NOW + MINUTE, now=NOW)
        rate_limit.block_until(pk, NOW + MINUTE, now=NOW)
        rate_limit.forget(pk, now=NOW)
        redis.start()


@pytest.mark.parametrize("garbage", ["text", [1], None, -3, True, (1, 2), ("a", "b", "c"), 1.5])
def test_garbage_in_the_cache_is_nothing(pk: UUID, garbage: object) -> None:
    rate_limit.reserve(pk, 1, now=NOW)
    rate_limit.note_allowance(pk, remaining=4_000, limit=5_000, reset_at=NOW, now=NOW)
    rate_limit.block_until(pk, NOW + MINUTE, now=NOW)
    for key in rate_limit._keys(pk, NOW.timestamp()):
        cache.set(key, garbage)

    assert rate_limit.reserve(pk, 1, now=NOW) is None
    rate_limit.note_allowance(pk, remaining=4_000, limit=5_000, reset_at=NOW, now=NOW)
    rate_limit.forget(pk, now=NOW)


def test_a_clock_that_is_ahead_on_another_machine_is_counted(pk: UUID) -> None:
    assert rate_limit.reserve(pk, A_MINUTES, now=NOW + timedelta(seconds=8)) is None

    assert rate_limit.reserve(pk, 1, now=NOW - timedelta(seconds=1)) is not None


def test_a_window_is_free_once_enough_of_its_buckets_are_past() -> None:
    window = RollingWindow("test", bucket=10, buckets=3)
    counts = {0: 5, 1: 0, 2: 7.5}

    assert window.free_at(counts, 29, 12.5) is None
    assert window.free_at(counts, 29, 8) == 30
    assert window.free_at(counts, 29, 7) == 50
    assert window.free_at(counts, 30, 8) is None
    assert window.free_at({}, 30, 0) is None
