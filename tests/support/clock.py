"""Time that passes when a test says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Clock:
    """In place of `time.monotonic`: seconds, which stand still unless moved on."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now

    def move_on(self, seconds: float) -> None:
        self.now += seconds


class Calendar:
    """In place of `django.utils.timezone.now`: begins at the real moment, stands still unless moved on."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def move_on(self, **span: float) -> None:
        """`span` as for timedelta: days=1."""
        self.now += timedelta(**span)
