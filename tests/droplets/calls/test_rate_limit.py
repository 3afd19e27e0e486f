"""Calls that stay under DigitalOcean's limits: 5,000 an hour and 250 a minute, each counted from when it was made."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from time import monotonic
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import msgpack

from droplets.calls import rate_limit
from droplets.calls.rate_limit import MOST_AT_ONCE, MemoryWindows
from tests.support.at_once import at_once
from tests.support.clock import Clock
from tests.support.programs import DEPLOYED, PROJECT, environment
from tests.support.redis_server import OUTAGES, RedisServer

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
A_MINUTES, AN_HOURS = 240, 4_800
"""What is granted of 250 and 5,000: four percent are left to others."""

IN_A_PROCESS = """
import sys, django
django.setup()
from uuid import UUID
from droplets.calls import rate_limit
connection = UUID(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
print(sum(rate_limit.reserve(connection, 3) is None for _ in range(40)))
"""


@pytest.fixture
def pk() -> UUID:
    return uuid4()


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """What calls are counted by: seconds since the epoch, from `NOW` on."""
    clock = Clock()
    clock.now = NOW.timestamp()
    monkeypatch.setattr(rate_limit, "time", clock)
    for storage in ("memory", "redis"):
        monkeypatch.setattr(f"limits.storage.{storage}.time", SimpleNamespace(time=clock))
    return clock


def at(clock: Clock, moment: datetime) -> datetime:
    """Make it that moment."""
    clock.now = moment.timestamp()
    return moment


def granted(pk: UUID, *, at_a_time: int = 1, most: int = 10_000) -> int:
    """How many calls are granted at this moment, asking on and on."""
    total = 0
    while total < most and rate_limit.reserve(pk, at_a_time) is None:
        total += at_a_time
    return total


def use_up_an_hour(pk: UUID, clock: Clock) -> None:
    """All that an hour has, spread over forty minutes. Then it is two minutes after the last."""
    for _ in range(20):
        assert rate_limit.reserve(pk, A_MINUTES) is None
        clock.move_on(120)


# Works


def test_a_minute_has_room_for_a_large_team(pk: UUID) -> None:
    assert granted(pk) == A_MINUTES


def test_calls_are_reserved_in_parts_and_a_refusal_says_when_there_are_more(pk: UUID, clock: Clock) -> None:
    assert granted(pk, at_a_time=25) == 225

    later = rate_limit.reserve(pk, 25)

    assert later
    assert NOW + MINUTE <= later <= NOW + MINUTE + timedelta(seconds=1)
    assert rate_limit.reserve(pk, 15) is None
    at(clock, later)
    assert rate_limit.reserve(pk, 25) is None


def test_an_hour_has_its_limit_too(pk: UUID, clock: Clock) -> None:
    use_up_an_hour(pk, clock)

    later = rate_limit.reserve(pk, 1)

    assert later
    assert NOW + HOUR <= later <= NOW + HOUR + timedelta(seconds=1)
    at(clock, later - timedelta(seconds=1))
    assert rate_limit.reserve(pk, 1) == later
    at(clock, later)
    assert granted(pk) == A_MINUTES


def test_reads_leave_a_fifth_of_each_limit_to_actions(pk: UUID, clock: Clock) -> None:
    reads = partial(rate_limit.reserve, pk, 10, for_reading=True)
    assert sum(reads() is None for _ in range(50)) == 19
    assert rate_limit.reserve(pk, A_MINUTES - 190) is None

    at(clock, NOW + 2 * MINUTE)
    rate_limit.note_allowance(pk, remaining=1_000, limit=5_000, reset_at=NOW + HOUR)

    assert reads() is not None
    assert rate_limit.reserve(pk, 10) is None


def test_each_connection_has_limits_of_its_own(pk: UUID) -> None:
    granted(pk)

    assert rate_limit.reserve(uuid4(), A_MINUTES) is None


def test_calls_that_others_made_with_the_token_count(pk: UUID) -> None:
    rate_limit.reserve(pk, 100)

    rate_limit.note_allowance(pk, remaining=5_000 - 100 - 4_650, limit=5_000, reset_at=NOW + MINUTE)

    assert granted(pk) == AN_HOURS - 4_650 - 100
    assert rate_limit.reserve(pk, 10)


def test_calls_that_others_made_wear_off_within_the_hour(pk: UUID, clock: Clock) -> None:
    rate_limit.note_allowance(pk, remaining=200, limit=5_000, reset_at=NOW + MINUTE)
    assert granted(pk) == 0

    later = rate_limit.reserve(pk, 200)

    assert later
    assert NOW < later <= NOW + 10 * MINUTE
    at(clock, later)
    assert rate_limit.reserve(pk, 200) is None
    at(clock, NOW + HOUR)
    assert granted(pk) == A_MINUTES


def test_where_others_and_conveyor_used_up_an_hour_the_first_room_of_either_is_named(pk: UUID, clock: Clock) -> None:
    use_up_an_hour(pk, clock)
    now = NOW + 40 * MINUTE
    rate_limit.note_allowance(pk, remaining=190, limit=5_000, reset_at=NOW + HOUR)  # ten calls of others

    later = rate_limit.reserve(pk, 20)
    assert later
    assert now < later <= NOW + HOUR + timedelta(seconds=1)  # ours leave before theirs do
    at(clock, later)
    assert rate_limit.reserve(pk, 20) is None


def test_conveyors_own_calls_are_not_taken_for_those_of_others(pk: UUID, clock: Clock) -> None:
    for _ in range(10):
        assert rate_limit.reserve(pk, 200) is None
        clock.move_on(120)

    rate_limit.note_allowance(pk, remaining=3_000, limit=5_000, reset_at=NOW + HOUR)

    for _ in range(11):
        assert rate_limit.reserve(pk, A_MINUTES) is None
        clock.move_on(120)


def test_a_smaller_limit_of_digitaloceans_is_kept(pk: UUID) -> None:
    rate_limit.note_allowance(pk, remaining=100, limit=100, reset_at=NOW + MINUTE)

    assert granted(pk) == 96


def test_after_a_429_there_are_no_calls_before_the_time_that_it_names(pk: UUID, clock: Clock) -> None:
    until = NOW + timedelta(seconds=37)

    rate_limit.block_until(pk, until)

    assert rate_limit.reserve(pk, 1) == until
    at(clock, until - timedelta(seconds=1))
    assert rate_limit.reserve(pk, 1) == until
    at(clock, until)
    assert rate_limit.reserve(pk, 1) is None


def test_nothing_left_means_waiting_until_the_oldest_call_stops_counting(pk: UUID, clock: Clock) -> None:
    rate_limit.note_allowance(pk, remaining=0, limit=5_000, reset_at=NOW + 40 * MINUTE)

    assert rate_limit.reserve(pk, 1) == NOW + 40 * MINUTE
    at(clock, NOW + 40 * MINUTE)
    assert rate_limit.reserve(pk, 1) is None


@pytest.mark.parametrize(
    ("calls", "limit", "seconds"),
    [(1, 5_000, 30), (8, 5_000, 30), (10, 5_000, 36), (51, 5_000, 183.6), (51, 10_000, 91.8), (2, 0, 7_200)],
)
def test_droplets_are_fresh_for_as_long_as_reloading_them_takes_a_fifth_of_the_limit(
    calls: int, limit: int, seconds: float
) -> None:
    assert rate_limit.fresh_for(calls, limit) == timedelta(seconds=seconds)


def test_reloading_droplets_whenever_they_are_no_longer_fresh_never_meets_the_limit(pk: UUID, clock: Clock) -> None:
    while clock.now < (NOW + 2 * HOUR).timestamp():
        assert rate_limit.reserve(pk, 51) is None
        clock.move_on(rate_limit.fresh_for(51).total_seconds())


def test_a_connection_that_is_gone_leaves_nothing(pk: UUID) -> None:
    granted(pk)
    rate_limit.note_allowance(pk, remaining=0, limit=5_000, reset_at=NOW + HOUR)

    rate_limit.forget(pk)

    assert granted(pk) == A_MINUTES


moves = st.sampled_from([0, 1, 5, 9, 10, 31, 59, 60, 61, 150, 299, 300, 1200, 3500])
asks = st.lists(st.tuples(moves, st.integers(1, MOST_AT_ONCE)), max_size=40)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asks)
def test_no_minute_and_no_hour_holds_more_than_its_limit_and_none_is_left_unused(clock: Clock, asks: list[Any]) -> None:
    """Held against a list of all calls."""
    pk, made = uuid4(), []
    moment = at(clock, NOW)

    def used(window: timedelta) -> int:
        return sum(calls for when, calls in made if moment - window < when <= moment)

    for wait, calls in asks:
        moment = at(clock, moment + timedelta(seconds=wait + 0.01))
        later = rate_limit.reserve(pk, calls)
        if later:
            assert used(MINUTE) + calls > A_MINUTES or used(HOUR) + calls > AN_HOURS
            assert moment < later <= moment + HOUR + timedelta(seconds=1)
            while later := rate_limit.reserve(pk, calls):  # the minute's room may come before the hour's
                assert later > moment
                moment = at(clock, later)
        made.append((moment, calls))
        assert used(MINUTE) <= A_MINUTES
        assert used(HOUR) <= AN_HOURS


# Refuses


@pytest.mark.parametrize("calls", [0, -1, MOST_AT_ONCE + 1])
def test_a_number_of_calls_that_no_minute_can_hold(pk: UUID, calls: int) -> None:
    with pytest.raises(ValueError, match="Between 1 and 240"):
        rate_limit.reserve(pk, calls)


@pytest.mark.parametrize(("remaining", "limit"), [(-5, 5_000), (9_999, 5_000), (10, 0), (10, -1), (0, 0)])
def test_headers_that_make_no_sense_lock_nobody_out(pk: UUID, clock: Clock, remaining: int, limit: int) -> None:
    for reset_at in (datetime.min, datetime.max):
        at(clock, NOW)
        rate_limit.note_allowance(pk, remaining=remaining, limit=limit, reset_at=reset_at.replace(tzinfo=UTC))

        at(clock, NOW + HOUR)
        assert granted(pk, at_a_time=60) == A_MINUTES
        rate_limit.forget(pk)


def test_a_limit_smaller_than_what_is_asked_for_is_no_dead_end(pk: UUID, clock: Clock) -> None:
    rate_limit.note_allowance(pk, remaining=10, limit=10, reset_at=NOW)
    assert rate_limit.reserve(pk, 25) is None

    later = rate_limit.reserve(pk, 25)

    assert later
    at(clock, later)
    assert rate_limit.reserve(pk, 25) is None


@pytest.mark.parametrize("until", [datetime.min, NOW.replace(tzinfo=None) - HOUR, NOW.replace(tzinfo=None)])
def test_a_block_that_is_over_is_none(pk: UUID, until: datetime) -> None:
    rate_limit.block_until(pk, until.replace(tzinfo=UTC))

    assert rate_limit.reserve(pk, 1) is None


def test_a_block_lasts_an_hour_at_most_and_is_not_shortened_by_another(pk: UUID, clock: Clock) -> None:
    rate_limit.block_until(pk, datetime.max.replace(tzinfo=UTC))
    rate_limit.block_until(pk, NOW + MINUTE)

    assert rate_limit.reserve(pk, 1) == NOW + HOUR
    at(clock, NOW + HOUR)
    assert rate_limit.reserve(pk, 1) is None


# Handles


@pytest.mark.parametrize(("others", "ours", "is_refused"), [(200, 100, True), (60, 141, True), (40, 100, False)])
def test_another_reservation_between_looking_and_counting_is_seen(
    pk: UUID, clock: Clock, monkeypatch: pytest.MonkeyPatch, settings: Any, others: int, ours: int, is_refused: bool
) -> None:
    """In the minute, in the hour, in neither."""
    settings.REDIS_URL = ""  # the two steps can be interleaved in memory alone
    use_up_an_hour(pk, clock)
    at(clock, NOW + HOUR + timedelta(seconds=1))  # the first 240 have left the hour
    assert rate_limit.reserve(pk, 40) is None
    clock.move_on(61)  # so that the minute has room for 240, and the hour for 200
    count = MemoryWindows.acquire_entry

    def count_after_another(*args: Any) -> bool:
        monkeypatch.setattr(MemoryWindows, "acquire_entry", count)
        assert rate_limit.reserve(pk, others) is None
        return count(*args)

    monkeypatch.setattr(MemoryWindows, "acquire_entry", count_after_another)
    later = rate_limit.reserve(pk, ours)

    assert (later is not None) == is_refused
    clock.move_on(57)
    assert granted(pk) <= 200 - others - (0 if is_refused else ours)


def test_threads_at_once_get_no_more_and_no_less_than_there_is(pk: UUID) -> None:
    def reserve_some() -> int:
        return sum(calls for calls in (7, 3, 1, 25) * 5 if rate_limit.reserve(pk, calls) is None)

    got = sum(at_once(*[reserve_some] * 16))

    assert got <= A_MINUTES
    assert got + granted(pk) == A_MINUTES


def test_processes_share_one_count_in_redis(pk: UUID, redis: RedisServer) -> None:
    given = {"REDIS_URL": redis.url, "CACHE_PREFIX": uuid4().hex, "DJANGO_SETTINGS_MODULE": "conveyor.settings"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", IN_A_PROCESS, str(pk)],
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

    assert sum(got) == A_MINUTES


def test_in_redis_the_windows_are_the_same(pk: UUID, redis: RedisServer, clock: Clock) -> None:
    assert granted(pk, at_a_time=25) == 225
    later = rate_limit.reserve(pk, 25)
    assert later
    assert NOW + MINUTE <= later <= NOW + MINUTE + timedelta(seconds=1)

    at(clock, later)
    assert rate_limit.reserve(pk, 25) is None
    rate_limit.note_allowance(pk, remaining=250, limit=5_000, reset_at=NOW + HOUR)
    assert granted(pk) == 50

    rate_limit.forget(pk)
    assert granted(pk) == A_MINUTES


def test_a_redis_that_is_emptied_begins_anew_and_learns_from_the_next_answer(pk: UUID, redis: RedisServer) -> None:
    granted(pk)
    assert rate_limit.reserve(pk, 1)

    redis.admin.flushdb()
    assert granted(pk, most=5) == 5
    rate_limit.note_allowance(pk, remaining=100, limit=5_000, reset_at=NOW + MINUTE)

    assert rate_limit.reserve(pk, 1)


def test_redis_may_go_away_and_come_back_at_any_moment(
    pk: UUID, redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limit, "PAUSE", 0)
    for _ in range(3):
        assert rate_limit.reserve(pk, 1) is None
        redis.stop()
        assert rate_limit.reserve(pk, 1) is None
        rate_limit.note_allowance(pk, remaining=4_000, limit=5_000, reset_at=NOW + MINUTE)
        rate_limit.block_until(pk, NOW + MINUTE)
        rate_limit.forget(pk)
        redis.start()


@pytest.mark.parametrize("how", OUTAGES)
def test_while_redis_is_away_each_process_counts_for_itself_and_hardly_waits(
    pk: UUID, redis: RedisServer, how: str
) -> None:
    assert granted(pk, most=40) == 40
    redis.go_away(how)
    began = monotonic()

    assert granted(pk) == A_MINUTES

    assert monotonic() - began < rate_limit.PAUSE / 2  # and not a timeout for each
    if how == "hung":
        redis.wake_up()


@pytest.mark.parametrize("garbage", ["text", [1], None, -3, True, (1, 2), ("a", "b", "c"), 1.5])
def test_garbage_in_the_cache_is_nothing(pk: UUID, redis: RedisServer, garbage: object) -> None:
    rate_limit.reserve(pk, 1)
    rate_limit.note_allowance(pk, remaining=4_000, limit=5_000, reset_at=NOW)
    rate_limit.block_until(pk, NOW + MINUTE)
    for key in redis.admin.keys("*"):
        redis.admin.delete(key)
        redis.admin.set(key, msgpack.encode(garbage))

    assert rate_limit.reserve(pk, 1) is None
    rate_limit.note_allowance(pk, remaining=4_000, limit=5_000, reset_at=NOW)
    rate_limit.forget(pk)


def test_a_clock_that_is_ahead_on_another_machine_is_counted(pk: UUID, clock: Clock) -> None:
    at(clock, NOW + timedelta(seconds=8))
    assert rate_limit.reserve(pk, A_MINUTES) is None

    at(clock, NOW - timedelta(seconds=1))
    assert rate_limit.reserve(pk, 1) is not None
