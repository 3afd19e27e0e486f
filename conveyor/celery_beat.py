"""The scheduler: Celery's, put right in one point. When the clock is set back, it goes on as before.

Celery would send nothing until the clock has caught up: each entry of the schedule ran last in the future then.
"""

from time import time
from typing import Any

from celery import beat


class Scheduler(beat.Scheduler):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._latest = 0.0
        super().__init__(*args, **kwargs)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due. Returns the seconds until the next time."""
        now = time()
        if now < self._latest - 1:
            for entry in self.schedule.values():
                entry.last_run_at = entry.default_now()
            self._heap = None  # it is made again from the schedule
        self._latest = now
        seconds: float = super().tick(*args, **kwargs)
        return seconds
