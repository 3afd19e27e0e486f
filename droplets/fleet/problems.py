"""What is wrong with one team's droplets on a page, in words: what happened, what is shown instead, what to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from accounts.models import Connection
from digitalocean_client import errors
from droplets.fleet.cache import CachedFleet, Failure

_OWNERS = {errors.NeedsReconnect.code, errors.NotAllowed.code}
"""What only a new consent of the owner can change."""

_SLOW = "Its droplets are being read, and DigitalOcean takes its time."
_CHANGED = "Its list changed while it was read."


@dataclass(frozen=True)
class ConnectionProblem:
    """`happened` and `shown` are whole sentences, but for `as_of`: `shown` then ends in the age of what is shown.

    `request_id` is DigitalOcean's, for its support. `retry_at` is when it is tried again. `is_blank` where nothing of
    the team is shown, so that what was known of it before is worth telling. `is_waiting` while it is still being read.
    """

    connection: Connection
    happened: str
    shown: str = ""
    as_of: datetime | None = None
    needs_reconnect: bool = False
    is_blank: bool = False
    is_waiting: bool = False
    retry_at: datetime | None = None
    request_id: str = ""


def for_error(connection: Connection, error: errors.DigitalOceanError) -> ConnectionProblem:
    """Where there is nothing to show but the error."""
    return ConnectionProblem(
        connection,
        happened=error.sentence,
        needs_reconnect=error.code in _OWNERS,
        retry_at=error.retry_at,
        request_id=error.request_id,
    )


def for_cached_fleet(
    connection: Connection, reading: CachedFleet | None, shown: int, *, elsewhere: bool
) -> ConnectionProblem | None:
    """What is wrong with a team that is not being read for the first time; None where all is well.

    `shown` droplets of it are on the page. `elsewhere`: another connection of the same person shows the whole team.
    """
    failure = failure_of(connection, reading)
    if reading is None:
        reading = CachedFleet()
    if failure is None and (reading.taken_at is None or (reading.is_whole and not reading.unreadable)):
        return None
    is_old = connection.state == Connection.State.NEEDS_RECONNECT or reading.tried_at != reading.taken_at
    sentence, as_of = _shown(reading, shown, is_old)
    return ConnectionProblem(
        connection,
        happened=failure.sentence if failure else _odd(reading),
        shown="All of its droplets are shown through your other connection to it." if elsewhere else sentence,
        as_of=None if elsewhere else as_of,
        needs_reconnect=failure is not None and failure.code in _OWNERS,
        is_blank=not elsewhere and not shown,
        retry_at=reading.renew_at if failure and failure.code not in _OWNERS else None,
        request_id=failure.request_id if failure else reading.request_id,
    )


def for_waiting(connection: Connection, shown: int, total: int) -> ConnectionProblem:
    """A team whose first reading takes longer than the page could wait. `shown` of its `total` droplets have come."""
    so_far = f"{shown:,} of {_droplets(total)} {_have(shown)} come so far." if shown else "None of them has come yet."
    return ConnectionProblem(connection, happened=_SLOW, shown=so_far, is_blank=not shown, is_waiting=True)


def for_slow(connection: Connection, reading: CachedFleet, shown: int) -> ConnectionProblem:
    """A team whose renewal takes long: what is shown is older than it should be."""
    sentence, as_of = _shown(reading, shown, is_old=True)
    return ConnectionProblem(connection, happened=_SLOW, shown=sentence, as_of=as_of, is_waiting=True)


def failure_of(connection: Connection, reading: CachedFleet | None) -> Failure | None:
    """What is wrong with the latest attempt, as far as it says anything about the connection as it is."""
    if connection.state == Connection.State.NEEDS_RECONNECT:
        return Failure.of(errors.NeedsReconnect())
    failure = reading.failure if reading else None
    if reading and failure and failure.is_about_access and reading.generation < connection.generation:
        return None  # one that was met with an older pair says nothing about this one
    return failure


def _odd(reading: CachedFleet) -> str:
    return f"{_droplets(reading.unreadable)} could not be read." if reading.unreadable else _CHANGED


def _shown(reading: CachedFleet, shown: int, is_old: bool) -> tuple[str, datetime | None]:
    """What is there of the team, and of when that is if it is not of now."""
    if reading.taken_at is None:
        return "None of its droplets are shown.", None
    if is_old:
        if not shown:
            return "It had no droplets", reading.taken_at
        return f"Its {_droplets(shown)} {_are(shown)} shown as {_they(shown)}", reading.oldest_at
    if reading.kept:
        now = shown - reading.kept
        return f"{now:,} of its {_droplets(shown)} {_are(now)} as of now, the others as they were", reading.kept_from
    if reading.ordinary is None:
        return f"Only {_droplets(shown, 'GPU ')} of it can be shown.", None
    if reading.gpus is None:
        return f"{_droplets(shown)} of it can be shown; GPU droplets, if it has any, are missing.", None
    total = shown + reading.missing + reading.unreadable
    return f"{shown:,} of {_droplets(total)} {_are(shown)} shown.", None


def _droplets(count: int, kind: str = "") -> str:
    return f"{count:,} {kind}droplet{'' if count == 1 else 's'}"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _they(count: int) -> str:
    return "it was" if count == 1 else "they were"


def _have(count: int) -> str:
    return "has" if count == 1 else "have"
