"""The caches: this process's memory, or Redis, which may go away at any moment without a page failing.

What is cached may be lost, so what Redis does not answer is asked of memory instead. Redis is then left alone for a few
seconds, and tried again by one thread: an outage costs one short wait now and then, not one for each operation. Log-in
attempts are counted all the while, by each process for itself.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from functools import cache, partial, wraps
from math import inf
from threading import Lock
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from django.core.cache import DEFAULT_CACHE_ALIAS, caches
from django.core.cache.backends import redis as django_redis
from django.core.cache.backends.locmem import LocMemCache
from redis.exceptions import RedisError, ResponseError

log = logging.getLogger(__name__)

ROOM = 10_000
"""Entries that memory has room for. Those that were not used for longest go first, and among them must not be the count
of somebody's log-in attempts: an open page with thirty teams alone makes some thousand entries an hour."""

PATIENCE = 0.5
"""Seconds that Redis has to take a connection, and for each part of an answer."""

PAUSE = 5.0
"""Seconds that Redis is left alone for after it did not answer."""

_KEPT = 600.0
"""Seconds that memory is kept for after an outage, lest limits begin anew with each short one."""


def ping() -> None:
    """Raises an exception unless the default cache answers. Memory always does."""
    backend = caches[DEFAULT_CACHE_ALIAS]
    if isinstance(backend, RedisCache):
        backend.ping()


class MemoryCache(LocMemCache):
    """Django's, with more room. Safe for threads, and the same for all of the process."""

    def __init__(self, name: str, params: dict[str, Any]) -> None:
        super().__init__(name, {**params, "OPTIONS": {"MAX_ENTRIES": ROOM, **params.get("OPTIONS", {})}})


class RedisCache(django_redis.RedisCache):
    """Django's, with memory to fall back on. Safe for threads: redis-py pools connections, and notices a fork."""

    def __init__(self, server: str | list[str], params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = _Client
        self._options = {
            "socket_connect_timeout": PATIENCE,
            "socket_timeout": PATIENCE,
            # The third version of the protocol costs one more round trip for each connection and brings nothing here.
            "protocol": 2,
            # More than there are threads. redis-py's 100 would look like an outage when they are used up.
            "max_connections": 1_000,
            **params.get("OPTIONS", {}),
        }

    def ping(self) -> None:
        """Raises RedisError unless Redis itself takes a value and gives it back."""
        key = self.make_and_validate_key("ping")
        redis: _Redis = self._cache.redis  # type: ignore[attr-defined]
        redis.set(key, 1, 10)
        if redis.get(key, None) != 1:
            raise RedisError("Redis forgot what it was just told")

    def clear(self) -> None:
        """Remove every key with this cache's prefix. Django's own removes what others keep in the same Redis too."""
        prefix = re.sub(r"([\\*?\[\]])", r"\\\1", self.key_prefix)
        self._cache.clear(f"{prefix}:*")  # type: ignore[call-arg]


class _Unreadable(Exception):
    """A value that is not of our making, or of another version's."""


class _Serializer(django_redis.RedisSerializer):
    def loads(self, data: Any) -> Any:
        try:
            return super().loads(data)
        except Exception as error:
            raise _Unreadable from error


class _Redis(django_redis.RedisCacheClient):
    """Django's, for which a value that cannot be read is none: it goes, so that another can take its place."""

    def __init__(self, servers: list[str], **options: Any) -> None:
        self._reader = _Serializer()
        super().__init__(servers, serializer=self._reader, **options)
        self._only_client = super().get_client(write=True)

    def get_client(self, key: Any = None, *, write: bool = False) -> Any:
        """The same one for all threads. Django makes one for each operation, which takes half as long as asking."""
        return self._only_client

    def get(self, key: Any, default: Any) -> Any:
        try:
            return super().get(key, default)
        except (_Unreadable, ResponseError) as error:
            self._drop(key, error)
            return default

    def get_many(self, keys: Iterable[Any]) -> dict[Any, Any]:
        wanted = list(keys)
        found = {}
        for key, data in zip(wanted, self.get_client().mget(wanted), strict=True):
            try:
                if data is not None:
                    found[key] = self._reader.loads(data)
            except _Unreadable as error:
                self._drop(key, error)
        return found

    def incr(self, key: Any, delta: int) -> Any:
        try:
            return super().incr(key, delta)
        except ResponseError as error:
            self._drop(key, error)
            raise ValueError(f"{key} held no number") from error

    def clear_matching(self, pattern: str) -> None:
        client = self.get_client(write=True)
        if keys := list(client.scan_iter(pattern, count=1_000)):
            client.delete(*keys)

    def _drop(self, key: Any, error: Exception) -> None:
        if isinstance(error, ResponseError) and not _is_about_the_value(error):
            raise error
        log.warning("A value in Redis cannot be read and was removed: %s", key)
        self.delete(key)


def _is_about_the_value(error: ResponseError) -> bool:
    """Rather than about Redis, as READONLY, LOADING, OOM and others are."""
    return str(error).startswith(("WRONGTYPE", "value is not an integer"))


class _Line:
    """Whether Redis answers, as far as this process knows, and its memory for while it does not."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._address = f"{parts.hostname}:{parts.port or 6379}"  # and never the password
        self.memory = MemoryCache(f"redis {self._address}{parts.path}", {"KEY_FUNCTION": _as_it_is})
        self._lock = Lock()
        self._failed_at: float | None = None  # the latest failure of this outage
        self._ask_at = 0.0
        self._clear_at = inf

    def ask(self, redis: Callable[[], Any], memory: Callable[[], Any]) -> Any:
        """What `redis` returns, or `memory` where Redis does not answer or is not to be asked now."""
        asked_at = monotonic()
        if not self._may_ask(asked_at):
            return memory()
        try:
            answer = redis()
        except (RedisError, OSError, UnicodeError) as error:  # the last for a name that can be no host's
            self._failed(error)
            return memory()
        except ValueError:  # an answer as well: there is no such key
            self._answered(asked_at)
            raise
        self._answered(asked_at)
        return answer

    def _may_ask(self, now: float) -> bool:
        if self._failed_at is None:
            return True
        with self._lock:
            if self._failed_at is not None and now < self._ask_at:
                return False
            self._ask_at = now + PAUSE
            return True

    def _failed(self, error: Exception) -> None:
        with self._lock:
            is_first = self._failed_at is None
            self._failed_at = monotonic()
            self._ask_at = self._failed_at + PAUSE
        if is_first:
            # An unknown command is quoted with its arguments, and that of AUTH is the password.
            what = str(error).partition(", with args")[0]
            log.warning(
                "Redis at %s does not answer (%s: %s): each process caches and counts for itself",
                self._address,
                type(error).__name__,
                what,
            )

    def _answered(self, asked_at: float) -> None:
        if self._failed_at is None and asked_at < self._clear_at:
            return
        with self._lock:
            if self._failed_at is None:
                self._clear_at = inf
                self.memory.clear()
            elif asked_at > self._failed_at:  # an answer to a question from before the failure tells nothing
                self._failed_at = None
                self._clear_at = asked_at + _KEPT
                log.info("Redis at %s answers again", self._address)


@cache
def _line(url: str) -> _Line:
    """One for the whole process, whose threads each have a cache object of their own."""
    return _Line(url)


def _as_it_is(key: Any, prefix: str, version: Any) -> Any:
    return key


def _either(name: str) -> Any:
    """The operation `name` of Redis's client, or of memory, whose signatures are the same."""

    @wraps(getattr(_Redis, name))
    def operation(self: _Client, *args: Any) -> Any:
        in_redis, in_memory = getattr(self.redis, name), getattr(self.line.memory, name)
        return self.line.ask(partial(in_redis, *args), partial(in_memory, *args))

    return operation


class _Client:
    """What Django's RedisCache works with. Keys are complete and timeouts in seconds by now."""

    def __init__(self, servers: list[str], **options: Any) -> None:
        self.redis = _Redis(servers, **options)
        self.line = _line(servers[0])

    add = _either("add")
    get = _either("get")
    set = _either("set")
    touch = _either("touch")
    delete = _either("delete")
    get_many = _either("get_many")
    has_key = _either("has_key")
    incr = _either("incr")
    set_many = _either("set_many")
    delete_many = _either("delete_many")

    def clear(self, pattern: str) -> None:
        memory = self.line.memory.clear
        memory()
        self.line.ask(partial(self.redis.clear_matching, pattern), memory)
