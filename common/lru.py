"""What this process holds decoded and computed, so that a page need not decode ten thousand droplets to show fifty."""

from collections.abc import Hashable
from threading import Lock
from typing import Generic, TypeVar

from cachetools import LRUCache

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

CAPACITY = 100_000
"""Droplets that one cache holds, at roughly a kilobyte each."""


class WeightedCache(Generic[K, V]):
    """cachetools' `LRUCache` for values with a weight: safe for threads, and too heavy a value is held, alone."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        # cachetools refuses a value heavier than the cache. Here it weighs as much as the cache, and is alone in it.
        self._values: LRUCache[K, tuple[V, int]] = LRUCache(capacity, lambda held: min(held[1] + 1, capacity))
        self._lock = Lock()

    def get(self, key: K) -> V | None:
        with self._lock:
            held = self._values.get(key)
        return held[0] if held else None

    def set(self, key: K, value: V, weight: int) -> None:
        with self._lock:
            self._values[key] = (value, weight)

    def delete(self, key: K) -> None:
        with self._lock:
            self._values.pop(key, None)
