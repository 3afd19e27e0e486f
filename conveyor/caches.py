"""The cache backends: this process's memory, or Redis (django-redis) with memory as its fallback.

What is cached may be lost, so an operation that Redis does not answer is done in memory instead. Redis is then left
alone for PAUSE seconds and tried again by one thread: an outage costs one short wait now and then, not one for each
operation. Each process counts log-in attempts for itself in the meantime.

django-redis can ignore failures too (IGNORE_EXCEPTIONS), but then `add()` returns None and allauth cannot lock a
log-in limit (`cache_lock` in allauth/core/internal/ratelimit.py): each log-in waited 1.0 s and was refused. A Redis
that hangs also cost 0.5 s for every operation: 5.0 s for ten, where this file's fallback takes 0.5 s once.
"""

import logging
from collections.abc import Callable, Iterable
from functools import cache, partial, wraps
from math import inf
from threading import Lock
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import msgspec
from django.core.cache import DEFAULT_CACHE_ALIAS, caches
from django.core.cache.backends.locmem import LocMemCache
from django_redis import cache as django_redis
from django_redis.client import DefaultClient
from django_redis.exceptions import ConnectionInterrupted
from django_redis.serializers.base import BaseSerializer
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

MAX_ENTRIES = 10_000
"""Entries that memory holds. The least recently used go first. Log-in attempts must not be among them: one open page
with thirty teams makes some thousand entries an hour."""

TIMEOUT = 0.5
"""Seconds that Redis has to accept a connection, and for each part of an answer."""

PAUSE = 5.0
"""Seconds that Redis is left alone after it failed."""

_MEMORY_LIFETIME = 600.0
"""Seconds that memory is kept after an outage, so that log-in limits do not start again with each short one."""

_UNREADABLE = object()


def ping() -> None:
    """Raise an exception unless the default cache answers. Memory always does."""
    backend = caches[DEFAULT_CACHE_ALIAS]
    if isinstance(backend, RedisCache):
        backend.ping()


class MemoryCache(LocMemCache):
    """Django's memory cache with more room. Safe for threads; all objects of one name share their entries."""

    def __init__(self, name: str, params: dict[str, Any]) -> None:
        super().__init__(name, {**params, "OPTIONS": {"MAX_ENTRIES": MAX_ENTRIES, **params.get("OPTIONS", {})}})


class Serializer(BaseSerializer):
    """MessagePack, not pickles: whoever can write to Redis must not be able to run code here. Keeps bytes as bytes."""

    def dumps(self, value: Any) -> bytes:
        """Raises TypeError for anything but plain values, lists and dicts. Tuples come back as lists."""
        return msgspec.msgpack.encode(value)

    def loads(self, value: bytes) -> Any:
        try:
            return msgspec.msgpack.decode(value)
        except (msgspec.MsgspecError, ValueError, TypeError, RecursionError):
            return _UNREADABLE


class Client(DefaultClient):
    """django-redis's client, for which a value that cannot be decoded is a miss: it is removed and logged."""

    def get(self, key: Any, default: Any = None, version: int | None = None, client: Any = None) -> Any:
        try:
            found = super().get(key, default, version, client)
        except ConnectionInterrupted as error:
            if not str(error.__cause__).startswith("WRONGTYPE"):
                raise
            found = _UNREADABLE
        if found is _UNREADABLE:
            self._remove([key], version)
            return default
        return found

    def get_many(self, keys: Iterable[Any], version: int | None = None, client: Any = None) -> dict[Any, Any]:
        found = super().get_many(list(keys), version, client)
        if unreadable := [key for key, value in found.items() if value is _UNREADABLE]:
            self._remove(unreadable, version)
        return {key: value for key, value in found.items() if value is not _UNREADABLE}

    def set_many(self, *args: Any, **kwargs: Any) -> list[Any]:
        """Returns the keys that failed, as Django's caches do: none."""
        super().set_many(*args, **kwargs)
        return []

    def clear(self, client: Any = None) -> None:
        """Remove the keys with this cache's prefix. django-redis's own empties the whole database of Redis."""
        self.delete_pattern("*", client=client, itersize=1_000)

    def _incr(self, key: Any, *args: Any, **kwargs: Any) -> int:
        """Raises ValueError where there is no number to add to."""
        try:
            total: int = super()._incr(key, *args, **kwargs)
            return total
        except TypeError as error:
            raise ValueError(f"{key} is not a number") from error

    def _remove(self, keys: list[Any], version: int | None) -> None:
        log.warning("Removed values that cannot be read from Redis: %s", ", ".join(keys))
        self.delete_many(keys, version)


class _Outage:
    """Whether a Redis answers, as far as this process knows."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._address = f"{parts.hostname}:{parts.port or 6379}"  # without the password
        self.memory_name = f"redis {self._address}{parts.path}"
        self._lock = Lock()
        self._failed_at: float | None = None  # the latest failure of this outage
        self._retry_at = 0.0
        self._clear_memory_at = inf

    def run(self, in_redis: Callable[[], Any], in_memory: Callable[[], Any]) -> Any:
        """Return what `in_redis` returns, or `in_memory` where Redis fails or is to be left alone now."""
        started_at = monotonic()
        if not self._may_try(started_at):
            return in_memory()
        try:
            answer = in_redis()
        except (RedisError, OSError, UnicodeError) as error:  # UnicodeError: a host name that cannot be one
            self._failed(error)
            return in_memory()
        except ValueError:  # "no such key" is an answer too
            self._answered(started_at)
            raise
        self._answered(started_at)
        return answer

    def _may_try(self, now: float) -> bool:
        if self._failed_at is None:
            return True
        with self._lock:
            if self._failed_at is not None and now < self._retry_at:
                return False
            self._retry_at = now + PAUSE
            return True

    def _failed(self, error: Exception) -> None:
        with self._lock:
            is_first = self._failed_at is None
            self._failed_at = monotonic()
            self._retry_at = self._failed_at + PAUSE
        if is_first:
            # Redis quotes an unknown command with its arguments; those of AUTH are the password.
            reason = str(error).partition(", with args")[0]
            log.warning(
                "Redis at %s does not answer (%s: %s): each process caches and counts for itself",
                self._address,
                type(error).__name__,
                reason,
            )

    def _answered(self, started_at: float) -> None:
        if self._failed_at is None and started_at < self._clear_memory_at:
            return
        with self._lock:
            if self._failed_at is None:
                self._clear_memory_at = inf
                MemoryCache(self.memory_name, {}).clear()
            elif started_at > self._failed_at:  # an operation from before the failure proves nothing
                self._failed_at = None
                self._clear_memory_at = started_at + _MEMORY_LIFETIME
                log.info("Redis at %s answers again", self._address)


@cache
def _outage(url: str) -> _Outage:
    """One per server for the whole process: each thread has a cache object of its own."""
    return _Outage(url)


def _with_fallback(name: str) -> Any:
    """The cache operation `name` in Redis, or in memory during an outage. Both take the same arguments."""
    in_redis, in_memory = getattr(django_redis.RedisCache, name), getattr(MemoryCache, name)

    @wraps(in_redis)
    def operation(self: "RedisCache", *args: Any, **kwargs: Any) -> Any:
        return self.outage.run(
            partial(in_redis, self, *args, **kwargs), partial(in_memory, self.memory, *args, **kwargs)
        )

    return operation


class RedisCache(django_redis.RedisCache):
    """django-redis's cache with memory to fall back on. Safe for threads and forks: redis-py's pool is both."""

    def __init__(self, server: Any, params: dict[str, Any]) -> None:
        options = {
            "CLIENT_CLASS": "conveyor.caches.Client",
            "SERIALIZER": "conveyor.caches.Serializer",
            "SOCKET_CONNECT_TIMEOUT": TIMEOUT,
            "SOCKET_TIMEOUT": TIMEOUT,
            # Protocol 3 costs one more round trip per connection and brings nothing here. A pool that is used up looks
            # like an outage, so it has room for more connections than there are threads (redis-py's default is 100).
            "CONNECTION_POOL_KWARGS": {"protocol": 2, "max_connections": 1_000},
            **params.get("OPTIONS", {}),
        }
        super().__init__(server, {**params, "OPTIONS": options})
        self.outage = _outage(server[0])
        self.memory = MemoryCache(self.outage.memory_name, params)

    add = _with_fallback("add")
    get = _with_fallback("get")
    set = _with_fallback("set")
    touch = _with_fallback("touch")
    delete = _with_fallback("delete")
    has_key = _with_fallback("has_key")
    incr = _with_fallback("incr")
    decr = _with_fallback("decr")
    set_many = _with_fallback("set_many")
    _get_many = _with_fallback("get_many")
    _delete_many = _with_fallback("delete_many")
    _clear = _with_fallback("clear")

    def get_many(self, keys: Iterable[Any], version: int | None = None) -> dict[Any, Any]:
        found: dict[Any, Any] = self._get_many(list(keys), version)
        return found

    def delete_many(self, keys: Iterable[Any], version: int | None = None) -> None:
        self._delete_many(list(keys), version)

    def clear(self) -> None:
        """Remove this cache's keys, from memory too."""
        self.memory.clear()
        self._clear()

    def ping(self) -> None:
        """Raise RedisError unless Redis itself stores a value and returns it."""
        redis = self.client.get_client(write=True)
        key = self.make_and_validate_key("ping")
        redis.set(key, 1, 10)
        if redis.get(key) != b"1":
            raise RedisError("Redis did not return what it had just stored")
