"""Conveyor's memory cache, which also appends every key and value to a file: other processes cannot look into it."""

import os
import pickle
from typing import Any

from conveyor.caches import MemoryCache


class RecordedCache(MemoryCache):
    def _set(self, key: str, value: bytes, *args: Any, **kwargs: Any) -> None:
        with open(os.environ["RECORDED_CACHE"], "a") as file:
            file.write(f"{key}: {pickle.loads(value)!r}\n")  # pickled by Django a moment ago
        super()._set(key, value, *args, **kwargs)  # type: ignore[misc]  # Django's LocMemCache has it
