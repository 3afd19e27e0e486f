"""One cache object for the whole process, and how its MessagePack values are read."""

import logging
from functools import cache
from threading import Lock
from typing import TypeVar

import msgspec
from django.core.cache import DEFAULT_CACHE_ALIAS, BaseCache, caches

T = TypeVar("T")

log = logging.getLogger(__name__)

_prepared: set[object] = set()
_lock = Lock()


@cache
def shared() -> BaseCache:
    """The default cache. Safe to use from any thread, for threads that live for one call too.

    Django makes a cache object for each thread, which takes about 0.2 ms with Redis. This one is made once: memory has
    a lock, and redis-py's connection pool is safe for threads and notices a fork.
    """
    return caches.create_connection(DEFAULT_CACHE_ALIAS)


def decoded(blob: object, kind: type[T], what: str) -> T | None:
    """A value of the cache as `kind`; None where it is missing. So is one that cannot be decoded, which is logged."""
    if not isinstance(blob, bytes):
        return None
    if kind not in _prepared:
        with _lock:  # msgspec 0.22.0: two threads that are the first to use a type at once can end the process
            msgspec.msgpack.Decoder(kind)
            _prepared.add(kind)
    try:
        return msgspec.msgpack.decode(blob, type=kind)
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError):
        log.warning("%s in the cache cannot be decoded, and is read again from DigitalOcean", what)
        return None
