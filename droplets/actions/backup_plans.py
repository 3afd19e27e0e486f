"""Backup plans in words. Plans: https://docs.digitalocean.com/products/backups/details/features/"""

import re
from datetime import UTC, datetime, timedelta

_SUNDAY = datetime(2023, 1, 1, tzinfo=UTC)
WEEKDAYS = {f"{day:%a}".upper(): f"{day:%A}" for day in (_SUNDAY + timedelta(days=count) for count in range(7))}
"""DigitalOcean's weekdays, SUN to SAT, and their names."""


def plan_name(plan: str) -> str:
    """The plan alone. One that Conveyor does not know keeps DigitalOcean's name for it.

    >>> plan_name("weekly"), plan_name("intra_daily_4h"), plan_name("some_plan")
    ('Weekly', 'Every 4 hours', 'Some plan')
    """
    if hours := re.fullmatch("intra_daily_([0-9]{1,2})h", plan):
        return f"Every {hours[1]} hours"
    return plan.replace("_", " ").capitalize()


def backup_plan(plan: str, weekday: object, hour: object) -> str:
    """The plan and when its backups start. Only daily and weekly plans have an hour (UTC), only weekly ones a weekday.

    >>> backup_plan("weekly", "SUN", 4), backup_plan("intra_daily_4h", None, 4)
    ('Weekly, Sundays from 04:00 UTC', 'Every 4 hours')
    """
    parts = []
    if plan == "weekly" and weekday in WEEKDAYS:
        parts.append(f"{WEEKDAYS[str(weekday)]}s")
    if plan in ("daily", "weekly") and isinstance(hour, int) and 0 <= hour < 24:
        parts.append(f"from {hour:02}:00 UTC")
    return ", ".join(filter(None, [plan_name(plan), " ".join(parts)]))
