"""DigitalOcean's limits, kept before they bite: how many calls a connection may still make.

Every call counts for an hour and for a minute from when it was made; there is no reset in between
(https://docs.digitalocean.com/reference/api/, Rate Limit). Calls are counted in the shared cache, in buckets of a few
seconds or minutes: with Redis for all processes together, without it for each. A cache that lost its counts begins
anew, and what DigitalOcean's answers tell puts it right.

Nothing here raises for what the cache does or what an answer said. Safe for threads, and free of the ORM.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any
from uuid import UUID

from django.utils import timezone

from common.cache import shared
from digitalocean_client import errors

HOURLY = 5_000
"""Calls an hour, unless an answer's headers say otherwise."""

BURST = 250
"""Calls a minute."""

_USABLE = 96
_FOR_READING = 76
"""Percent of each limit: the rest is left to other programs, and by what only reads, to actions."""

MOST_AT_ONCE = BURST * _USABLE // 100
"""Calls that can be reserved at a time. Who needs more asks in parts, and gets what is left now."""

FRESH = timedelta(seconds=30)

_HOUR = 3600
_SHARE = 5  # renewing one reading over and over takes no more than this part of the hourly limit
_TRIES = 3


@dataclass(frozen=True)
class RollingWindow:
    """A rolling window, counted in `buckets` of `bucket` seconds. The last one is under way, so it is never shorter."""

    name: str
    bucket: int
    buckets: int

    def current(self, at: float) -> int:
        """The number of the bucket that `at`, in seconds since the epoch, falls into."""
        return int(at // self.bucket)

    def numbers(self, at: float) -> range:
        """The buckets that count at `at`, and the next one: another machine's clock may be there already."""
        current = self.current(at)
        return range(current - self.buckets + 1, current + 2)

    def free_at(self, counts: Mapping[int, float], at: float, room: float) -> float | None:
        """When the window holds at most `room` calls, in seconds since the epoch; None where it does so at `at`.

        `counts` are calls by bucket; `room` is not negative.
        """
        numbers = self.numbers(at)
        used = sum(counts.get(number, 0) for number in numbers)
        for number in numbers:
            if used <= room:
                return None if number == numbers[0] else self._end(number - 1)
            used -= counts.get(number, 0)
        return self._end(numbers[-1])

    def _end(self, number: int) -> float:
        """When a bucket counts no longer."""
        return (number + self.buckets) * self.bucket


_MINUTE_WINDOW = RollingWindow("minute", bucket=10, buckets=7)
_HOUR_WINDOW = RollingWindow("hour", bucket=300, buckets=13)
_WINDOWS = (_MINUTE_WINDOW, _HOUR_WINDOW)
_HOURS_BUCKETS = _HOUR // _HOUR_WINDOW.bucket


def reserve(connection: UUID, calls: int, *, for_reading: bool = False, now: datetime | None = None) -> datetime | None:
    """Count `calls` of a connection as made, and return None; or, where they may not be made now, when they may be.

    Four percent of each limit are left to others, and `for_reading` a fifth of the rest to actions. The limits hold
    however many threads and processes ask: who is counted last sees all the others, and takes back what is too much.
    Only reservations of one instant on two sides of
    a bucket's boundary may miss one another.

    Raises ValueError unless `calls` is from 1 to `MOST_AT_ONCE`. Where DigitalOcean's own limit is smaller than `calls`
    they are allowed once no other call counts any more, so that nobody waits for ever.
    """
    if not 1 <= calls <= MOST_AT_ONCE:
        raise ValueError(f"Between 1 and {MOST_AT_ONCE} calls can be reserved at a time, not {calls}")
    at = (now or timezone.now()).timestamp()
    percent = _FOR_READING if for_reading else _USABLE
    for _ in range(_TRIES):
        standing = _Standing.read(connection, at)
        later = standing.free_at(calls, percent)
        if later is not None:
            return _moment(later)
        if _count(standing, calls, percent):
            return None
    return _moment(at + 1)


def note_allowance(
    connection: UUID, *, remaining: int, limit: int, reset_at: datetime, now: datetime | None = None
) -> None:
    """Take in what an answer's `ratelimit-*` headers said, so that calls which others made with the grant count too.

    Of several answers the one with the least `remaining` knows most. When others made their calls nobody tells: they
    are taken to be spread evenly over the last hour. `reset_at`, when the oldest call stops counting, matters where
    nothing is left. Headers that make no sense are ignored.
    """
    if limit < 1:
        return
    moment = now or timezone.now()
    standing = _Standing.read(connection, moment.timestamp())
    others = max(limit - remaining - sum(standing.counts[_HOUR_WINDOW].values()), 0)
    told = (limit, others, _HOUR_WINDOW.current(standing.at))
    shared().set(_key(connection, "told"), told, _lifetime(_HOUR_WINDOW))
    if remaining < 1:
        block_until(connection, reset_at, now=moment)


def block_until(connection: UUID, until: datetime, *, now: datetime | None = None) -> None:
    """No calls before `until`: DigitalOcean said so with a 429. Never longer than an hour, when all calls are past."""
    at = (now or timezone.now()).timestamp()
    ends = ceil(min(until.timestamp(), at + _HOUR))
    cache, key = shared(), _key(connection, "blocked")
    if ends > max(at, _number(cache.get(key))):
        cache.set(key, ends, ceil(ends - at))


def note_limit(connection: UUID, answer: object) -> None:
    """Where `answer` is a 429 of DigitalOcean, no calls before the time that it names."""
    if isinstance(answer, errors.RateLimited) and answer.status and answer.retry_at:
        block_until(connection, answer.retry_at)


def fresh_for(calls: int, limit: int = HOURLY) -> timedelta:
    """How long a reading of `calls` is not renewed: 30 s, or longer where that would take over a fifth of `limit`.

    >>> fresh_for(5), fresh_for(50)
    (datetime.timedelta(seconds=30), datetime.timedelta(seconds=180))
    """
    return max(FRESH, timedelta(seconds=calls * _HOUR * _SHARE / max(limit, _SHARE)))


def forget(connection: UUID, *, now: datetime | None = None) -> None:
    """Remove what is counted for a connection that is gone."""
    shared().delete_many(_keys(connection, (now or timezone.now()).timestamp()))


@dataclass(frozen=True)
class _Standing:
    """What is known of a connection at one moment: calls of ours and of others, by bucket. Times are epoch seconds."""

    connection: UUID
    at: float
    counts: Mapping[RollingWindow, dict[int, int]]
    others: Mapping[int, float]
    limit: int
    blocked_until: float

    @classmethod
    def read(cls, connection: UUID, at: float) -> _Standing:
        """In one round trip."""
        found = shared().get_many(_keys(connection, at))
        limit, others = _told(found.get(_key(connection, "told")))
        return cls(
            connection,
            at,
            {
                window: {
                    number: _number(found.get(_bucket_key(connection, window, number))) for number in window.numbers(at)
                }
                for window in _WINDOWS
            },
            others,
            limit,
            _number(found.get(_key(connection, "blocked"))),
        )

    def free_at(self, calls: int, percent: int) -> float | None:
        """When `calls` more may be made within `percent` of the limits, None for now."""
        waits = [self.window_free_at(window, calls, percent, self.counts[window]) for window in _WINDOWS]
        if self.blocked_until > self.at:
            waits.append(self.blocked_until)
        return max((wait for wait in waits if wait is not None), default=None)

    def window_free_at(
        self, window: RollingWindow, calls: int, percent: int, counts: Mapping[int, float]
    ) -> float | None:
        """The same as far as one window goes, where `counts` are our calls in it."""
        limit = BURST
        if window is _HOUR_WINDOW:
            counts = {number: count + self.others.get(number, 0) for number, count in counts.items()}
            limit = self.limit
        return window.free_at(counts, self.at, max(limit * percent // 100 - calls, 0))


def _count(standing: _Standing, calls: int, percent: int) -> bool:
    """Count the calls in every window. False, and nothing counted, where others have come in between."""
    counted = []
    for window in _WINDOWS:
        current = window.current(standing.at)
        key = _bucket_key(standing.connection, window, current)
        before = _add(key, calls, _lifetime(window)) - calls
        counted.append(key)
        if standing.window_free_at(window, calls, percent, {**standing.counts[window], current: before}) is not None:
            for each in counted:
                _give_back(each, calls)
            return False
    return True


def _add(key: str, calls: int, lifetime: int) -> int:
    """The count with these calls. The order in which threads and processes get it is the order of their calls."""
    cache = shared()
    for _ in range(_TRIES):
        with suppress(ValueError, TypeError):  # there is none yet, or it is no number
            return cache.incr(key, calls)
        if cache.add(key, calls, lifetime):
            break
    return calls


def _give_back(key: str, calls: int) -> None:
    with suppress(ValueError, TypeError):  # the cache lost it
        shared().decr(key, calls)


def _told(value: Any) -> tuple[int, Mapping[int, float]]:
    """The hourly limit, and the calls of others by bucket."""
    match value:
        case (int(limit), int(others), int(last)):
            numbers = range(last - _HOURS_BUCKETS + 1, last + 1)
            return limit, dict.fromkeys(numbers, others / _HOURS_BUCKETS)
    return HOURLY, {}


def _number(value: Any) -> int:
    """What a cached number is; the cache may have lost it, or have been given something else."""
    return max(value, 0) if isinstance(value, int) else 0


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _lifetime(window: RollingWindow) -> int:
    return window.bucket * (window.buckets + 2)


def _keys(connection: UUID, at: float) -> Iterable[str]:
    buckets = [_bucket_key(connection, window, number) for window in _WINDOWS for number in window.numbers(at)]
    return [_key(connection, "told"), _key(connection, "blocked"), *buckets]


def _bucket_key(connection: UUID, window: RollingWindow, number: int) -> str:
    return _key(connection, f"{window.name}:{number}")


def _key(connection: UUID, what: str) -> str:
    return f"budget:{connection}:{what}"
