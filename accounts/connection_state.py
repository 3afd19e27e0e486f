"""How a connection is: one answer for the pages of its owner and for support."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from django.utils import timezone

from accounts import token_store
from accounts.models import Connection
from accounts.outcomes_model import ReadingResult
from digitalocean_client import errors

_NO_REFRESH = "The token has expired, and DigitalOcean sent no refresh token."
_NO_KEY = "Conveyor can no longer decrypt this connection's token."
_REVOKED = "Conveyor's support has revoked the access to this team. Connect this team again."
_LOST = {"no_refresh_token": _NO_REFRESH, "revoked_by_support": _REVOKED}
"""By `Connection.last_error`."""
_NOT_WHOLE = "DigitalOcean's latest list of this team's droplets was not complete."

NEEDS_OWNER = frozenset({errors.NeedsReconnect.code, errors.NotAllowed.code})
"""Errors of a reading that only a new consent of the connection's owner ends."""

_ABOUT_ACCESS = NEEDS_OWNER | {errors.TokenRejected.code}


_NOT_OF_REFRESHES: dict[str, type[errors.DigitalOceanError]] = {
    kind.code: kind
    for kind in (errors.NeedsReconnect, errors.NotAllowed, errors.TokenRejected, errors.Refused, errors.NotFound)
}
"""Errors that a reading can end with and that `errors.by_code` does not know."""


class StateKind(StrEnum):
    """The states, the one that needs most first: the first that is true is shown."""

    NEEDS_OWNER = "needs_owner"
    KEY_LOST = "key_lost"
    RATE_LIMITED = "rate_limited"
    DIGITALOCEAN_FAILING = "digitalocean_failing"
    REFRESH_FAILING = "refresh_failing"
    NOT_WHOLE = "not_whole"
    HEALTHY = "healthy"


_LABELS = {
    StateKind.NEEDS_OWNER: ("Reconnect needed", "bad"),
    StateKind.KEY_LOST: ("Reconnect needed", "bad"),
    StateKind.RATE_LIMITED: ("Rate limited", "warn"),
    StateKind.DIGITALOCEAN_FAILING: ("Failing", "warn"),
    StateKind.REFRESH_FAILING: ("Retrying", "warn"),
    StateKind.NOT_WHOLE: ("List not complete", "warn"),
    StateKind.HEALTHY: ("Healthy", "ok"),
}


@dataclass(frozen=True)
class ConnectionState:
    """`sentence` says what is wrong, for the owner; empty if nothing is. `badge` is the CSS class: ok, warn or bad.

    `since` is when it began, `retry_at` when Conveyor tries again, `request_id` DigitalOcean's, for its support.
    """

    kind: StateKind
    sentence: str = ""
    since: datetime | None = None
    retry_at: datetime | None = None
    request_id: str = ""

    @property
    def label(self) -> str:
        return _LABELS[self.kind][0]

    @property
    def badge(self) -> str:
        return _LABELS[self.kind][1]

    @property
    def is_healthy(self) -> bool:
        return self.kind == StateKind.HEALTHY

    @property
    def needs_owner(self) -> bool:
        """Whether only the owner can end it, by connecting the team again."""
        return self.kind in (StateKind.NEEDS_OWNER, StateKind.KEY_LOST)


def state_of(connection: Connection, reading: ReadingResult | None = None) -> ConnectionState:
    """The state of a connection. `reading` is the latest one, where the caller knows a newer one than is stored.

    Needs `connection.token` and `connection.account`, and no query besides.
    """
    reading = reading or _stored(connection)
    return (
        _about_access(connection, reading)
        or _about_reading(connection, reading)
        or _about_refresh(connection)
        or _about_list(reading)
        or ConnectionState(StateKind.HEALTHY)
    )


def _stored(connection: Connection) -> ReadingResult:
    reading = ReadingResult.stored(connection)
    if reading.outcome == errors.NeedsReconnect.code:
        # It had no token to use. Why is in the row, and may be over by now: the lost key may be there again.
        return replace(reading, outcome="")
    return reading


def _about_access(connection: Connection, reading: ReadingResult) -> ConnectionState | None:
    if connection.state == Connection.State.NEEDS_RECONNECT:
        sentence = _LOST.get(connection.last_error, errors.NeedsReconnect.sentence)
        return ConnectionState(StateKind.NEEDS_OWNER, sentence, since=connection.last_error_at)
    if not token_store.is_readable(connection):
        return ConnectionState(StateKind.KEY_LOST, _NO_KEY)
    if reading.outcome in NEEDS_OWNER and not _is_outdated(connection, reading):
        return ConnectionState(
            StateKind.NEEDS_OWNER, _sentence(reading), since=reading.since, request_id=reading.request_id
        )
    return None


def _about_reading(connection: Connection, reading: ReadingResult) -> ConnectionState | None:
    """What DigitalOcean answered to the latest reading, unless it could not be read because of its token."""
    is_fine = reading.outcome in ("", Connection.OK, Connection.INCOMPLETE)
    if is_fine or _is_outdated(connection, reading) or _is_expired(connection):
        return None
    is_limited = reading.outcome == errors.RateLimited.code
    kind = StateKind.RATE_LIMITED if is_limited else StateKind.DIGITALOCEAN_FAILING
    return ConnectionState(
        kind, _sentence(reading), since=reading.since, retry_at=reading.retry_at, request_id=reading.request_id
    )


def _about_refresh(connection: Connection) -> ConnectionState | None:
    """Until a refresh succeeds, also after `retry_at`."""
    if not connection.last_error:
        return None
    sentence = errors.by_code(connection.last_error).sentence
    return ConnectionState(StateKind.REFRESH_FAILING, sentence, retry_at=connection.retry_at)


def _about_list(reading: ReadingResult) -> ConnectionState | None:
    if reading.outcome != Connection.INCOMPLETE:
        return None
    return ConnectionState(
        StateKind.NOT_WHOLE,
        reading.sentence or _NOT_WHOLE,
        since=reading.since,
        retry_at=reading.retry_at,
        request_id=reading.request_id,
    )


def _is_outdated(connection: Connection, reading: ReadingResult) -> bool:
    """Whether it failed for its tokens, and the connection has others by now."""
    return reading.outcome in _ABOUT_ACCESS and reading.generation < connection.generation


def _is_expired(connection: Connection) -> bool:
    """Whether nothing can be read because the access token has expired and refreshing it fails."""
    expires_at = connection.expires_at
    return bool(connection.last_error) and expires_at is not None and expires_at <= timezone.now()


def _sentence(reading: ReadingResult) -> str:
    kind = _NOT_OF_REFRESHES.get(reading.outcome) or errors.by_code(reading.outcome)
    return reading.sentence or kind.sentence
