"""DigitalOcean's rate limit, respected before it is reached: how many calls a connection may still make.

Every call counts for a minute and for an hour from when it was made; there is no reset in between
(https://docs.digitalocean.com/reference/api/, Rate Limit). `limits` counts them in moving windows, which are exact: in
Redis for all processes together where REDIS_URL is set, else, or while Redis does not answer, in each process's memory.
What DigitalOcean's answers say about calls that others made is in the shared cache. Lost counts begin anew, and the
next answer corrects them.

Nothing here raises for what Redis or the cache does, or for what an answer said. Safe for threads, and free of the ORM.
"""

from bisect import bisect_left
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from math import ceil
from time import monotonic, time
from typing import TypeVar
from uuid import UUID

from django.conf import settings
from limits.storage import MemoryStorage, RedisStorage
from redis.exceptions import RedisError

from common.cache import shared
from digitalocean_client import errors

T = TypeVar("T")

HOURLY = 5_000
"""Calls an hour, unless an answer's headers say otherwise."""

_BURST = 250  # calls a minute
_USABLE = 96
_FOR_READING = 76
"""Percent of each limit: the rest is left to other programs and, by calls that only read, to actions."""

MOST_AT_ONCE = _BURST * _USABLE // 100
"""Calls that can be reserved at a time. Whoever needs more asks several times."""

FRESH = timedelta(seconds=30)

PAUSE = 5.0
"""Seconds that Redis is left alone for after it did not answer."""

_MINUTE, _HOUR = 60, 3600  # seconds
_SHARE = 5  # reloading one team's droplets again and again takes at most this part of the hourly limit
_TIMEOUT = 0.5  # seconds that Redis has to take a connection, and for each part of an answer
_MARGIN = 0.001  # seconds after which an entry has left its window, however its time was rounded


def reserve(connection: UUID, calls: int, *, for_reading: bool = False) -> datetime | None:
    """Count `calls` of a connection as made, and return None; or, where they may not be made now, when to ask again.

    Four percent of each limit are left to other programs, and `for_reading` a fifth more to actions. The limits hold
    however many threads and processes ask.

    Raises ValueError unless `calls` is from 1 to `MOST_AT_ONCE`. Where a limit is smaller than `calls` they are allowed
    once no other call of Conveyor counts, so that nobody waits for ever.
    """
    if not 1 <= calls <= MOST_AT_ONCE:
        raise ValueError(f"Between 1 and {MOST_AT_ONCE} calls can be reserved at a time, not {calls}")
    now, noted_key, blocked_key = time(), _key(connection, "noted"), _key(connection, "blocked")
    found = shared().get_many([noted_key, blocked_key])
    blocked_until = found.get(blocked_key)
    if isinstance(blocked_until, int) and blocked_until > now:
        return _moment(blocked_until)
    limit, others, noted_at = _noted(found.get(noted_key))
    # When others made their calls is not known: they are taken to be spread evenly over the hour before.
    counting = others * max(1 - (now - noted_at) / _HOUR, 0)
    percent = _FOR_READING if for_reading else _USABLE
    hourly = max(limit * percent // 100, calls) - ceil(counting)
    burst = max(_BURST * percent // 100, calls)
    later = _counts().ask(partial(_count, connection=connection, calls=calls, hourly=hourly, burst=burst))
    if later is None:
        return None
    if others:  # then their calls may leave the hour earlier than ours do
        used = _counts().ask(partial(_used, connection=connection, limit=limit))
        if 0 < (excess := used + calls - hourly) <= counting:
            later = min(later, now + excess * _HOUR / others + _MARGIN)
    return _moment(later)


def note_allowance(connection: UUID, *, remaining: int, limit: int, reset_at: datetime) -> None:
    """Store what an answer's `ratelimit-*` headers said, so that calls which others made with the token count too.

    Of several answers pass the one with the least `remaining`. `reset_at`, when the oldest call stops counting, matters
    where nothing is left. Headers that make no sense are ignored.
    """
    if limit < 1:
        return
    others = max(limit - remaining - _counts().ask(partial(_used, connection=connection, limit=limit)), 0)
    shared().set(_key(connection, "noted"), (limit, others, time()), _HOUR)
    if remaining < 1:
        block_until(connection, reset_at)


def block_until(connection: UUID, until: datetime) -> None:
    """No calls before `until`, which a 429 named; but no longer than an hour, when no call of now counts any more."""
    now, key = time(), _key(connection, "blocked")
    ends = ceil(min(until.timestamp(), now + _HOUR))
    before = shared().get(key)
    if ends > now and not (isinstance(before, int) and before >= ends):
        shared().set(key, ends, ceil(ends - now))


def note_limit(connection: UUID, answer: object) -> None:
    """Where `answer` is a 429 of DigitalOcean, no calls before the time that it names."""
    if isinstance(answer, errors.RateLimited) and answer.status and answer.retry_at:
        block_until(connection, answer.retry_at)


def fresh_for(calls: int, limit: int = HOURLY) -> timedelta:
    """How long droplets that took `calls` to read are not reloaded: 30 s, or until that takes a fifth of `limit`.

    >>> fresh_for(5), fresh_for(50)
    (datetime.timedelta(seconds=30), datetime.timedelta(seconds=180))
    """
    return max(FRESH, timedelta(seconds=calls * _HOUR * _SHARE / max(limit, _SHARE)))


def forget(connection: UUID) -> None:
    """Remove what is counted for a connection that was deleted."""
    shared().delete_many([_key(connection, "noted"), _key(connection, "blocked")])
    _counts().ask(partial(_clear, connection=connection))


class MemoryWindows(MemoryStorage):
    """The library's, whose `get_moving_window` looks at the newest `limit` entries alone, as that of Redis does."""

    STORAGE_SCHEME = None  # type: ignore[assignment]  # not to be had by a URL

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        newest = self.events.get(key, [])[:limit]
        count = bisect_left(newest, expiry - time(), key=lambda entry: -entry.atime)
        return (newest[count - 1].atime, count) if count else (time(), 0)

    def clear(self, key: str) -> None:
        with self.locks[key]:  # or a thread that just counts loses its list
            super().clear(key)


_Storage = MemoryWindows | RedisStorage


class _Counts:
    """In Redis while it answers, else in memory. After a failure Redis is left alone, then one thread tries it."""

    def __init__(self, url: str, prefix: str) -> None:
        self._memory = MemoryWindows()
        self._redis = (
            RedisStorage(
                url,
                key_prefix=prefix,
                socket_connect_timeout=_TIMEOUT,
                socket_timeout=_TIMEOUT,
                protocol=2,  # the third version costs a round trip more for each connection
                max_connections=1_000,
            )
            if url
            else None
        )
        self._ask_redis_at = 0.0

    def ask(self, question: Callable[[_Storage], T]) -> T:
        if self._redis and (now := monotonic()) >= self._ask_redis_at:
            if self._ask_redis_at:
                self._ask_redis_at = now + PAUSE
            try:
                answer = question(self._redis)
            except (RedisError, OSError, UnicodeError):
                self._ask_redis_at = monotonic() + PAUSE  # the cache, which meets the same, logs it
            else:
                self._ask_redis_at = 0.0
                return answer
        return question(self._memory)


def _counts() -> _Counts:
    return _counts_in(settings.REDIS_URL, settings.CACHES["default"].get("KEY_PREFIX", ""))


@cache
def _counts_in(url: str, prefix: str) -> _Counts:
    return _Counts(url, prefix)


def _count(storage: _Storage, *, connection: UUID, calls: int, hourly: int, burst: int) -> float | None:
    """Count calls in both windows. Where one has no room: when it has, in seconds since the epoch."""
    minute, hour = _key(connection, "minute"), _key(connection, "hour")
    # The hour first, and without counting: what the minute has counted cannot be taken back.
    later = _free_at(storage, hour, hourly, calls, _HOUR)
    if later is None and not storage.acquire_entry(minute, burst, _MINUTE, calls):
        later = _free_at(storage, minute, burst, calls, _MINUTE) or time() + 1
    if later is None and not storage.acquire_entry(hour, hourly, _HOUR, calls):
        later = _free_at(storage, hour, hourly, calls, _HOUR) or time() + 1  # others came in between
    return later


def _free_at(storage: _Storage, key: str, most: int, calls: int, seconds: int) -> float | None:
    """When `calls` more fit into a window of at most `most` calls, None for now."""
    if most < calls:
        return time() + seconds
    in_the_way = most - calls + 1
    oldest, count = storage.get_moving_window(key, in_the_way, seconds)
    return None if count < in_the_way else oldest + seconds + _MARGIN


def _used(storage: _Storage, *, connection: UUID, limit: int) -> int:
    """Conveyor's own calls within the hour, as far as the limit."""
    return storage.get_moving_window(_key(connection, "hour"), limit, _HOUR)[1]


def _clear(storage: _Storage, *, connection: UUID) -> None:
    for window in ("minute", "hour"):
        storage.clear(_key(connection, window))


def _noted(value: object) -> tuple[int, int, float]:
    """The hourly limit, how many calls others had made in the hour before a moment, and that moment."""
    match value:
        case (int(limit), int(others), float(at)):
            return limit, others, at
    return HOURLY, 0, 0.0


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _key(connection: UUID, what: str) -> str:
    return f"rate_limit:{connection}:{what}"
