"""Stores how readings and refreshes of connections ended: the latest on the connection, all of them as intervals.

Support sees here what the owner saw, also when it is over. It is bookkeeping: nothing here raises where the database
does not take it, and a reading that ended like the one before writes a row once a minute at most.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import Error, transaction
from django.utils import timezone

from accounts.models import Connection, OutcomeInterval
from accounts.outcomes_model import ReadingResult

log = logging.getLogger(__name__)

_EVERY = timedelta(seconds=60)
"""How often a reading that went well, like the one before, is stored."""

_DELETED_AT_ONCE = 5_000

_READING = OutcomeInterval.Kind.READING
_REFRESH = OutcomeInterval.Kind.REFRESH
_FIELDS = (
    "reading_at", "reading_retry_at", "reading_request_id", "reading_generation", "reading_sentence",
    "droplet_count", "droplets_read_at",
)  # fmt: skip


@dataclass(frozen=True)
class ReadingAttempt:
    """A reading of a connection's droplets that ended at `at`, and what its owner saw then: `shown`, of `shown_as_of`.

    `count` is how many droplets the latest complete list had, which was read at `counted_at`; None before the first.
    """

    result: ReadingResult
    at: datetime
    shown: str = ""
    shown_as_of: datetime | None = None
    count: int | None = None
    counted_at: datetime | None = None


def note_readings(attempts: Iterable[tuple[Connection, ReadingAttempt]]) -> None:
    """Store these, on the connections passed in too. What is stored already, or older than that, is left out.

    One statement for all that ended like before; of several processes one stores a change.
    """
    same = []
    for connection, attempt in attempts:
        is_newer = connection.reading_at is None or attempt.at > connection.reading_at
        if is_newer and attempt.result.outcome != connection.reading_outcome:
            with _logged(connection.pk), transaction.atomic():
                _store_change(connection, attempt)
        elif _is_worth_storing(connection, attempt, is_newer):
            for name, value in _fields(connection, attempt, is_newer).items():
                setattr(connection, name, value)
            same.append(connection)
    if same:
        # A connection that was deleted in the meantime is simply not updated.
        with _logged(same[0].pk), transaction.atomic():
            Connection.objects.bulk_update(same, _FIELDS)


def note_refresh(connection: Connection, outcome: str, *, sentence: str = "", request_id: str = "") -> None:
    """Store that a refresh ended so: "ok", or the code of its error. Call it after what it reports is committed."""
    now = timezone.now()
    with _logged(connection.pk), transaction.atomic():
        going_on = OutcomeInterval.objects.filter(connection_id=connection.pk, kind=_REFRESH, ended_at=None)
        if going_on.filter(outcome=outcome).update(last_at=now):
            return
        going_on.update(ended_at=now)
        _begin(connection, _REFRESH, outcome, now, sentence=sentence, request_id=request_id)


def note_new_pair(connection: Connection) -> None:
    """End the interval of failing refreshes, if there is one: the owner has connected the team again."""
    with _logged(connection.pk), transaction.atomic():
        going_on = OutcomeInterval.objects.filter(connection_id=connection.pk, kind=_REFRESH, ended_at=None)
        going_on.exclude(outcome=Connection.OK).update(ended_at=timezone.now())


def end_all(connection_id: UUID) -> None:
    """End the intervals of a connection that is deleted. Those of a deleted user are deleted with the user."""
    OutcomeInterval.objects.filter(connection_id=connection_id, ended_at=None).update(ended_at=timezone.now())


def delete_old() -> None:
    """Delete the intervals that ended EVENT_DAYS ago or earlier, like the audit log."""
    before = timezone.now() - timedelta(days=settings.EVENT_DAYS)
    old = OutcomeInterval.objects.filter(ended_at__lt=before).order_by("pk")
    while pks := list(old.values_list("pk", flat=True)[:_DELETED_AT_ONCE]):
        OutcomeInterval.objects.filter(pk__in=pks).delete()


def _store_change(connection: Connection, attempt: ReadingAttempt) -> None:
    """The reading ended in another way than the one before: of those who see it, who updates the connection stores it.

    That it ended so is also a change where the outcome was stored a moment ago by another process: then nothing is
    stored, and the next reading tells.
    """
    result = attempt.result
    before = connection.reading_at
    fields = _fields(connection, attempt, is_newer=True) | {
        "reading_outcome": result.outcome,
        "reading_since": attempt.at,
    }
    unchanged = Connection.objects.filter(
        pk=connection.pk, reading_outcome=connection.reading_outcome, reading_at=connection.reading_at
    )
    if not unchanged.update(**fields):
        return
    for name, value in fields.items():
        setattr(connection, name, value)
    going_on = OutcomeInterval.objects.filter(connection_id=connection.pk, kind=_READING, ended_at=None)
    going_on.update(ended_at=attempt.at, **({"last_at": before} if before else {}))
    _begin(
        connection,
        _READING,
        result.outcome,
        attempt.at,
        sentence=result.sentence[:300],
        request_id=result.request_id,
        shown=attempt.shown[:300],
        shown_as_of=attempt.shown_as_of,
    )


def _begin(connection: Connection, kind: OutcomeInterval.Kind, outcome: str, at: datetime, **more: Any) -> None:
    OutcomeInterval.objects.create(
        user_id=connection.account.user_id,
        connection_id=connection.pk,
        team_uuid=connection.team_uuid,
        team_name=connection.team_name,
        kind=kind,
        outcome=outcome[:40],
        started_at=at,
        last_at=at,
        **more | {"request_id": more.get("request_id", "")[:100]},
    )


def _is_worth_storing(connection: Connection, attempt: ReadingAttempt, is_newer: bool) -> bool:
    """Whether a reading that ended like the one before is to be stored."""
    if _is_counted(connection, attempt):
        return True
    if not is_newer or connection.reading_at is None:
        return False
    return attempt.result.outcome != Connection.OK or attempt.at - connection.reading_at >= _EVERY


def _is_counted(connection: Connection, attempt: ReadingAttempt) -> bool:
    """Whether the number of droplets is of a later list than the stored one."""
    stored = connection.droplets_read_at
    return attempt.counted_at is not None and (stored is None or stored < attempt.counted_at)


def _fields(connection: Connection, attempt: ReadingAttempt, is_newer: bool) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if is_newer:
        result = attempt.result
        fields = {
            "reading_at": attempt.at,
            "reading_retry_at": result.retry_at,
            "reading_request_id": result.request_id[:100],
            "reading_generation": result.generation,
            "reading_sentence": result.sentence[:300],
        }
    if _is_counted(connection, attempt):
        fields |= {"droplet_count": attempt.count, "droplets_read_at": attempt.counted_at}
    return fields


@contextmanager
def _logged(pk: UUID) -> Iterator[None]:
    """Log what the database does not take, with no more than its kind: a page must not break for it."""
    try:
        yield
    except Error as error:
        log.warning(
            "How a connection's reading or refresh ended was not stored: %s",
            type(error).__name__,
            extra={"connection": str(pk)},
        )
