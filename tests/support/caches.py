"""Forgetting what is cached, without touching what others keep in the same Redis."""

from __future__ import annotations

from redis import Redis


def forget(redis_url: str, prefix: str) -> None:
    """Delete every key of `prefix`."""
    with Redis.from_url(redis_url) as redis:
        if keys := list(redis.scan_iter(f"{prefix}:*", count=1000)):
            redis.delete(*keys)


def cached(redis_url: str, prefix: str) -> list[str]:
    """Every key of `prefix` with what is kept under it."""
    with Redis.from_url(redis_url) as redis:
        keys = list(redis.scan_iter(f"{prefix}:*", count=1000))
        # DUMP takes a key of any type: what counts calls is a list.
        return [f"{key!r}: {redis.get(key) if redis.type(key) == b'string' else redis.dump(key)!r}" for key in keys]
