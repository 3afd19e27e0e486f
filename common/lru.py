"""What this process keeps decoded and computed: a page must not decode ten thousand droplets to show fifty."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MOST_ROWS = 100_000
"""Droplets that one shelf holds, at roughly a kilobyte each."""


class Shelf(Generic[K, V]):
    """Values with a weight, up to a total; what was asked for longest ago goes first. Safe for threads."""

    def __init__(self, most: int = MOST_ROWS) -> None:
        self._most = most
        self._held: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._weight = 0
        self._lock = Lock()

    def get(self, key: K) -> V | None:
        with self._lock:
            if key not in self._held:
                return None
            self._held.move_to_end(key)
            return self._held[key][0]

    def put(self, key: K, value: V, weight: int) -> None:
        """In place of what stood there. Even the heaviest is held, alone."""
        with self._lock:
            self._drop(key)
            self._held[key] = (value, weight + 1)
            self._weight += weight + 1
            while self._weight > self._most and len(self._held) > 1:
                self._drop(next(iter(self._held)))

    def drop(self, key: K) -> None:
        with self._lock:
            self._drop(key)

    def _drop(self, key: K) -> None:
        if key in self._held:
            self._weight -= self._held.pop(key)[1]
