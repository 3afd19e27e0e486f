"""What is wrong with one team's droplets on a page, in words: what happened, what is shown instead, what to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from accounts.digitalocean import errors
from accounts.models import Connection
from droplets.listing import Listed

_OWNERS = (errors.NeedsReconnect, errors.NotAllowed)
"""What only a new consent of the owner can change."""


@dataclass(frozen=True)
class Trouble:
    """`happened` and `shown` are whole sentences. `request_id` is DigitalOcean's, for its support.

    `retry_at` is when DigitalOcean, or the token service, says that trying again makes sense. `is_blank` where nothing
    of the team is shown, so that what was known of it before is worth telling.
    """

    connection: Connection
    happened: str
    shown: str = ""
    needs_reconnect: bool = False
    is_blank: bool = False
    retry_at: datetime | None = None
    request_id: str = ""


def of_error(connection: Connection, error: errors.DigitalOceanError) -> Trouble:
    """Where there is nothing to show but the error."""
    return Trouble(
        connection,
        happened=error.sentence,
        needs_reconnect=isinstance(error, _OWNERS),
        retry_at=error.retry_at,
        request_id=error.request_id,
    )


def of_listing(connection: Connection, listed: Listed, *, elsewhere: bool) -> Trouble | None:
    """None where all is well. `elsewhere`: another connection of the same person shows all of the same team."""
    if listed.is_complete and not listed.unreadable:
        return None
    error = listed.error
    return Trouble(
        connection,
        happened=error.sentence if error else _odd(listed),
        shown="All of its droplets are shown through your other connection to it." if elsewhere else _shown(listed),
        needs_reconnect=isinstance(error, _OWNERS),
        is_blank=not elsewhere and not listed.rows,
        retry_at=error.retry_at if error else None,
        request_id=listed.request_id,
    )


def _odd(listed: Listed) -> str:
    if listed.unreadable:
        return f"{_droplets(listed.unreadable)} could not be read."
    return "Its list changed while it was read."


def _shown(listed: Listed) -> str:
    if not listed.has_ordinary and not listed.has_gpus:
        return "None of its droplets are shown."
    if not listed.has_ordinary:
        return f"Only {_droplets(len(listed.rows), 'GPU ')} of it can be shown."
    if not listed.has_gpus:
        return f"{_droplets(len(listed.rows))} of it can be shown; GPU droplets, if it has any, are missing."
    return f"{len(listed.rows):,} of {_droplets(listed.total)} {'is' if len(listed.rows) == 1 else 'are'} shown."


def _droplets(count: int, kind: str = "") -> str:
    return f"{count:,} {kind}droplet{'' if count == 1 else 's'}"
