"""How often an action is polled, and when one that DigitalOcean does not know is given up."""

from datetime import datetime, timedelta

FIRST = timedelta(seconds=2)
"""Between two polls of an action that has just started."""

SEND_LEASE = timedelta(seconds=15)
"""How long the sender of a request has the row for itself: longer than the request can take."""

POLL_LEASE = timedelta(seconds=20)
"""How long one poller has the row for itself: longer than a poll can take."""

LOST_AFTER = timedelta(minutes=1)
"""After the send lease. An action that DigitalOcean does not have by then is marked as lost."""

ABANDONED = timedelta(days=1)
"""After the request. An action that no connection can be polled for is given up then."""

CLOCK_SKEW = timedelta(minutes=1)
"""How far DigitalOcean's clock may differ from ours. Actions outside this margin cannot be ours."""

LATEST = timedelta(minutes=2)
"""No poll is put off for longer. One that is due later was put off before the clock was set back."""

_LONGEST = timedelta(minutes=1)
_SHARE = 10


def pause(since: datetime | None, now: datetime) -> timedelta:
    """Until the next poll: a tenth of the time since the request was sent, from two seconds to a minute.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    >>> pause(noon, noon + timedelta(seconds=90)).total_seconds()
    9.0
    """
    if since is None:
        return FIRST
    return min(max((now - since) / _SHARE, FIRST), _LONGEST)
