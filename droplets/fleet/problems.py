"""What is wrong with one team's droplets, in words: what happened, what is shown instead, what to do."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from accounts.connection_state import NEEDS_OWNER, state_of
from accounts.models import Connection
from accounts.outcomes_model import ReadingResult
from digitalocean_client import errors
from droplets.fleet.cache import CachedFleet, Failure

_SLOW = "DigitalOcean answers slowly. This team's droplets are still loading."
_CHANGED = "Its list changed while it was read."


@dataclass(frozen=True)
class ConnectionProblem:
    """`happened` and `shown` are whole sentences. Where there is an `as_of`, its age is put at the end of `shown`.

    `request_id` is DigitalOcean's, for its support. `retry_at` is when the team is tried again. `is_blank`: nothing of
    the team is shown, so a page adds what was known before. `is_loading`: its droplets are still being read.
    """

    connection: Connection
    happened: str
    shown: str = ""
    as_of: datetime | None = None
    needs_reconnect: bool = False
    is_blank: bool = False
    is_loading: bool = False
    retry_at: datetime | None = None
    request_id: str = ""

    @property
    def is_retried_now(self) -> bool:
        """Whether the time of the next try has come."""
        return self.retry_at is not None and self.retry_at <= timezone.now()


def for_error(connection: Connection, error: errors.DigitalOceanError) -> ConnectionProblem:
    """For a page that has nothing else to show."""
    return ConnectionProblem(
        connection,
        happened=error.sentence,
        needs_reconnect=error.code in NEEDS_OWNER,
        retry_at=error.retry_at,
        request_id=error.request_id,
    )


def for_cached_fleet(
    connection: Connection, cached: CachedFleet | None, shown: int, *, elsewhere: bool
) -> ConnectionProblem | None:
    """What is wrong with a team that is not loading for the first time; None where nothing is.

    `shown` is how many of its droplets are shown. `elsewhere`: another connection of the person shows the whole team.
    """
    failure = failure_of(connection, cached)
    if cached is None:
        cached = CachedFleet()
    if failure is None and (cached.taken_at is None or (cached.is_whole and not cached.unreadable)):
        return None
    is_old = connection.state == Connection.State.NEEDS_RECONNECT or cached.tried_at != cached.taken_at
    sentence, as_of = _shown(cached, shown, is_old)
    needs_owner = failure is not None and state_of(connection, reading_result(cached)).needs_owner
    return ConnectionProblem(
        connection,
        happened=failure.sentence if failure else _without_error(cached),
        shown="All of its droplets are shown through your other connection to it." if elsewhere else sentence,
        as_of=None if elsewhere else as_of,
        needs_reconnect=needs_owner,
        is_blank=not elsewhere and not shown,
        retry_at=cached.reload_at if failure and not needs_owner else None,
        request_id=failure.request_id if failure else cached.request_id,
    )


def for_loading(connection: Connection, shown: int, total: int) -> ConnectionProblem:
    """A team whose first load takes longer than the page waits. `shown` of its `total` droplets have come."""
    progress = f"{shown:,} of {_droplets(total)} {_have(shown)} come so far." if shown else "None of them has come yet."
    return ConnectionProblem(connection, happened=_SLOW, shown=progress, is_blank=not shown, is_loading=True)


def for_slow(connection: Connection, cached: CachedFleet, shown: int) -> ConnectionProblem:
    """A team whose reload takes long: what is shown is older than it should be."""
    sentence, as_of = _shown(cached, shown, is_old=True)
    return ConnectionProblem(connection, happened=_SLOW, shown=sentence, as_of=as_of, is_loading=True)


def failure_of(connection: Connection, cached: CachedFleet | None) -> Failure | None:
    """Why the latest attempt failed, unless the connection has other tokens by now."""
    if connection.state == Connection.State.NEEDS_RECONNECT:
        return Failure.from_error(errors.NeedsReconnect())
    failure = cached.failure if cached else None
    if cached and failure and failure.is_about_access and cached.generation < connection.generation:
        return None
    return failure


def reading_result(cached: CachedFleet) -> ReadingResult:
    """How the latest attempt to read a team ended, for its connection's state."""
    failure = cached.failure
    if failure:
        retry_at = cached.reload_at if failure.code not in NEEDS_OWNER else None
        return ReadingResult(
            failure.code, cached.generation, failure.sentence, retry_at=retry_at, request_id=failure.request_id
        )
    if cached.is_whole and not cached.unreadable:
        return ReadingResult(Connection.OK, cached.generation)
    return ReadingResult(
        Connection.INCOMPLETE,
        cached.generation,
        _without_error(cached),
        retry_at=cached.reload_at,
        request_id=cached.request_id,
    )


def word_of(problem: ConnectionProblem) -> str:
    """In a word or two, for a list of teams."""
    if problem.needs_reconnect:
        return "needs reconnect"
    return "loading" if problem.is_loading else "not read"


def _without_error(cached: CachedFleet) -> str:
    return f"{_droplets(cached.unreadable)} could not be read." if cached.unreadable else _CHANGED


def _shown(cached: CachedFleet, shown: int, is_old: bool) -> tuple[str, datetime | None]:
    """How much of the team is shown, and when the oldest of it was read, where that was not now."""
    if cached.taken_at is None:
        return "None of its droplets are shown.", None
    if is_old:
        if not shown:
            return "It had no droplets", cached.taken_at
        return f"Its {_droplets(shown)} {_are(shown)} shown as {_they(shown)}", cached.oldest_at
    if cached.outdated:
        new = shown - cached.outdated
        sentence = f"{new:,} of its {_droplets(shown)} {_are(new)} up to date, the others as they were"
        return sentence, cached.outdated_since
    if cached.ordinary is None:
        return f"Only its {_droplets(shown, 'GPU ')} {_are(shown)} shown.", None
    if cached.gpus is None:
        return f"{_droplets(shown)} {_are(shown)} shown. GPU droplets, if it has any, are missing.", None
    total = shown + cached.missing + cached.unreadable
    return f"{shown:,} of {_droplets(total)} {_are(shown)} shown.", None


def _droplets(count: int, kind: str = "") -> str:
    return f"{count:,} {kind}droplet{'' if count == 1 else 's'}"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _they(count: int) -> str:
    return "it was" if count == 1 else "they were"


def _have(count: int) -> str:
    return "has" if count == 1 else "have"
