"""How often DigitalOcean is asked how an action goes, and when one that it does not know is given up."""

from __future__ import annotations

from datetime import datetime, timedelta

FIRST = timedelta(seconds=2)
"""Between two questions about an action that has just begun."""

SEND_LEASE = timedelta(seconds=15)
"""How long who sends a request has the row for itself: longer than the request can take."""

POLL_LEASE = timedelta(seconds=20)
"""How long who asks has the row for itself: longer than asking can take."""

LOST_AFTER = timedelta(minutes=1)
"""After the request's time, until what DigitalOcean does not know is taken for never arrived."""

ABANDONED = timedelta(days=1)
"""After the request, until what Conveyor has no access any more to ask about is given up as well."""

CLOCK_SKEW = timedelta(minutes=1)
"""How far DigitalOcean's clock may be off this one: what began longer before the request, or after it, is not of it."""

_LONGEST = timedelta(minutes=1)
_SHARE = 10


def pause(since: datetime | None, now: datetime) -> timedelta:
    """Until the next question: a tenth of the time that has gone by `since` the request, from two seconds to a minute.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    >>> pause(noon, noon + timedelta(seconds=90)).total_seconds()
    9.0
    """
    if since is None:
        return FIRST
    return min(max((now - since) / _SHARE, FIRST), _LONGEST)
