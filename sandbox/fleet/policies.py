"""Backup policies: when a droplet is backed up, and how long a backup is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

DAY = 86_400
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
HOURS = (0, 4, 8, 12, 16, 20)
WINDOW_HOURS = 4
WINDOW = WINDOW_HOURS * 3_600  # seconds
FIRST_SUNDAY = 3 * DAY  # 4 January 1970
PERIODS = {"weekly": 7 * DAY, "daily": DAY}
# Weekly backups are kept for four weeks, daily ones for seven days (DigitalOcean, Backups Features).
RETENTION_DAYS = {"weekly": 28, "daily": 7}


@dataclass(frozen=True, slots=True)
class Policy:
    """A plan, the hour (UTC) at which its window opens, and a weekday for the weekly plan."""

    plan: str
    hour: int
    weekday: str | None

    @property
    def period(self) -> int:
        """Seconds from one window to the next."""
        return PERIODS[self.plan]

    @property
    def kept(self) -> int:
        """Seconds that a backup is kept."""
        return RETENTION_DAYS[self.plan] * DAY

    def window(self, now: float) -> int:
        """The start of the window that is open at `now`, or of the next one, in seconds since the epoch."""
        start = self.hour * 3_600
        if self.weekday is not None:
            start += FIRST_SUNDAY + WEEKDAYS.index(self.weekday) * DAY
        return start + int((now - WINDOW - start) // self.period + 1) * self.period

    def describe(self) -> dict[str, Any]:
        """The policy as JSON; a daily policy has no weekday."""
        result: dict[str, Any] = {"plan": self.plan, "hour": self.hour}
        if self.weekday is not None:
            result["weekday"] = self.weekday
        return result | {"window_length_hours": WINDOW_HOURS, "retention_period_days": RETENTION_DAYS[self.plan]}


DEFAULT = Policy("daily", 0, None)  # for enable_backups without a policy


def policy_at(plan: str, moment: float) -> Policy:
    """The policy of this plan whose window opens at `moment` (seconds since the epoch), rounded down to the hour."""
    hour = int(moment % DAY) // 3_600
    weekday = WEEKDAYS[int((moment - FIRST_SUNDAY) % PERIODS["weekly"]) // DAY] if plan == "weekly" else None
    return Policy(plan, hour, weekday)


def supported() -> list[dict[str, Any]]:
    """The policies to choose from, as JSON."""
    return [
        {
            "name": plan,
            "possible_window_starts": list(HOURS),
            "window_length_hours": WINDOW_HOURS,
            "retention_period_days": RETENTION_DAYS[plan],
            "possible_days": list(WEEKDAYS) if plan == "weekly" else [],
        }
        for plan in PERIODS
    ]
