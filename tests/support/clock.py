"""Time that passes when a test says so."""

from __future__ import annotations


class Clock:
    """In place of `time.monotonic`: seconds, which stand still unless moved on."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now

    def move_on(self, seconds: float) -> None:
        self.now += seconds
