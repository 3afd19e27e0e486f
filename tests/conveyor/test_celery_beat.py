"""The scheduler goes on when the clock of its machine is moved."""

from __future__ import annotations

import pytest
from celery.schedules import schedule

from conveyor import celery_beat
from conveyor.celery import app
from tests.support.clock import Calendar


class Sent(celery_beat.Scheduler):
    """Keeps what it would send."""

    def apply_entry(self, entry: object, producer: object = None) -> None:
        self.sent.append(entry.name)  # type: ignore[attr-defined]  # an entry of the schedule

    sent: list[str]


@pytest.mark.parametrize("hours", [-24, -1, 0, 1, 24])
def test_each_kind_of_work_is_sent_after_the_clock_was_moved(monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    calendar = Calendar()
    monkeypatch.setattr(app, "now", calendar)
    monkeypatch.setattr(celery_beat, "time", lambda: calendar.now.timestamp())
    scheduler = Sent(app, lazy=True)
    scheduler.sent = []
    spans = {"often": 5.0, "seldom": 60.0, "hourly": 3600.0}
    scheduler.update_from_dict(
        {name: {"task": name, "schedule": schedule(span, app=app)} for name, span in spans.items()}
    )

    def run(seconds: float) -> None:
        for _ in range(int(seconds)):
            calendar.move_on(seconds=1)
            while scheduler.tick() == 0:
                pass

    run(70)
    assert (scheduler.sent.count("often"), scheduler.sent.count("seldom")) == (14, 1)
    scheduler.sent.clear()

    calendar.move_on(hours=hours)
    run(125)

    assert scheduler.sent.count("often") in (24, 25, 26)
    assert scheduler.sent.count("seldom") in (2, 3)
    run(3600)
    assert scheduler.sent.count("hourly") in (1, 2)
