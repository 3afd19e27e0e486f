"""Usable access tokens: the one place to get them. It stores token pairs and refreshes each exactly once.

A refresh token works once, and a refresh ends the old access token at once, so two refreshes at the same time would
lose the connection. Hence:
- A refresh needs a lease on the connection's row, taken by one conditional UPDATE. No transaction and no row lock is
  held during an HTTP call. Callers who find the lease taken wait for the new pair.
- Everything about a pair is written `WHERE generation =` the one that was read.
- HTTP runs in threads of `digitalocean_client.executor`, the database on the caller's thread.
"""

import logging
import random
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from math import inf
from time import monotonic, sleep
from uuid import UUID, uuid4

from django.db import DatabaseError, transaction
from django.db import connections as database_connections
from django.db.models import Q
from django.utils import timezone

from accounts import audit, notifications, outcomes, refreshed_pairs
from accounts.models import Connection, Event
from accounts.spill import Spill
from accounts.token_store import LOST_KEY, decrypt_pair, is_due, mark_lost
from digitalocean_client import errors, executor, oauth

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=20)
"""How long one refresh may keep the others waiting. Longer than any call to the token endpoint can take
(`oauth.TIMEOUT`), with room for clocks that differ between machines."""

REFRESH_PAUSE = timedelta(seconds=60)
"""A pair younger than this is not refreshed because of a 401. A token that DigitalOcean has just issued and does not
accept means trouble at DigitalOcean; without the pause every page view would spend a refresh token. A minute is long
enough for that, and short enough for a token that really was revoked."""

_LOST_KEY = "Conveyor can no longer decrypt this connection's tokens. Connect the team again."
_NO_REFRESH = "This connection's access has expired and cannot be refreshed. Connect the team again."
_JUST_REFRESHED = "DigitalOcean does not accept an access token that it issued a moment ago. Try again in a minute."


@dataclass
class _Refresh:
    """One refresh. It may be sent once its lease is taken."""

    connection: Connection
    access_token: str
    refresh_token: str
    rejected: bool
    lease_id: UUID = field(default_factory=uuid4)
    taken_at: float = field(default_factory=monotonic)
    spill: Spill | None = None

    def send(self, actor: str) -> oauth.TokenPair:
        """Runs in a thread. Raises `Unavailable` where the process slept past its lease: another may have sent it."""
        if monotonic() - self.taken_at > LEASE.total_seconds() - oauth.TIMEOUT - 1:
            raise errors.Unavailable("the lease ran out before the call")
        pair = oauth.refresh(self.refresh_token)
        self.spill = refreshed_pairs.write_file(self.connection, pair, refresh_token=self.refresh_token, actor=actor)
        return pair


def access_tokens(
    connections: Iterable[Connection],
    *,
    deadline: float,
    rejected: Mapping[UUID, str] | None = None,
    within: timedelta = timedelta(0),
    actor: str = "page",
    at_once: int = sys.maxsize,
    is_stopped: Callable[[], object] = bool,
) -> Iterator[tuple[Connection, str | errors.DigitalOceanError]]:
    """Each connection exactly once, with a usable access token or the error why there is none.

    Tokens that are ready come first, the others as their refresh ends. At `deadline` (of `time.monotonic`) the rest
    comes as `TooSlow`; refreshes that still run are finished in the background, and their pairs stored.
    `rejected` has, by primary key, tokens that DigitalOcean answered with 401. Such a token is refreshed, or read again
    where it is no longer the stored one. `within` also refreshes tokens that expire that soon, though they still work.
    No more than `at_once` are refreshed or waited for at a time; further ones are taken from `connections` when there
    is room. Once `is_stopped` says so nothing more is begun, only what is under way is finished.
    """
    batch, upcoming = _Batch(rejected or {}, within, actor), iter(connections)
    try:
        while True:
            if is_stopped():
                batch.waiting, upcoming = {}, iter(())
            new = [*batch.look_again(), *islice(upcoming, at_once - len(batch))]
            yield from batch.begin(new)
            if not batch and not new:
                return
            if monotonic() >= deadline:
                break
            yield from batch.store(deadline, is_full=len(batch) >= at_once)
        for refresh in batch.refreshing:
            yield refresh.connection, errors.TooSlow("the refresh takes longer than the page waits")
        for connection in (*batch.waiting.values(), *upcoming):
            yield connection, errors.TooSlow("another process's refresh takes longer than the page waits")
    finally:
        if batch.refreshing:
            executor.start(_finish, batch.refreshing, actor)


@dataclass
class _Batch:
    """The connections of one caller whose refresh is under way: here, or, `waiting`, in another process."""

    rejected: Mapping[UUID, str]
    within: timedelta
    actor: str
    waiting: dict[UUID, Connection] = field(default_factory=dict)
    refreshing: executor.Calls[_Refresh, oauth.TokenPair] = field(default_factory=executor.Calls)
    _pause: float = 0.02
    _look_at: float = inf

    def __len__(self) -> int:
        return len(self.waiting) + len(self.refreshing)

    def look_again(self) -> list[Connection]:
        """Those that wait, read again, where it is time for that."""
        if monotonic() < self._look_at:
            return []
        self.waiting = _reload(self.waiting)
        self._pause, self._look_at = min(self._pause * 1.5, 0.25), inf
        return list(self.waiting.values())

    def begin(self, connections: Iterable[Connection]) -> Iterator[tuple[Connection, str | errors.DigitalOceanError]]:
        """Yield what can be told at once. The others are refreshed, or wait."""
        for connection in connections:
            self.waiting[connection.pk] = connection
            found = _check(connection, self.rejected.get(connection.pk), self.within)
            if not isinstance(found, _Refresh):
                del self.waiting[connection.pk]
                yield connection, found
            elif not refreshed_pairs.store_leftovers(connection) and _take_lease(found):
                self.refreshing.start(found, found.send, self.actor)
                del self.waiting[connection.pk]
        self._look_at = min(self._look_at, monotonic() + self._pause) if self.waiting else inf

    def store(self, deadline: float, *, is_full: bool) -> Iterator[tuple[Connection, str | errors.DigitalOceanError]]:
        """Store the refreshes that end until those that wait are due; where others want in, those that have ended."""
        deadline = min(deadline, self._look_at)
        if self.waiting and not self.refreshing:
            sleep(max(0.0, deadline - monotonic()))
        for refresh, answer in self.refreshing.completed(deadline=deadline):
            yield refresh.connection, _store_answer(refresh, answer, self.actor)
            if is_full and not self.refreshing.has_ended_some:
                return


def refresh_now(connection: Connection, *, deadline: float, actor: str) -> str | errors.DigitalOceanError:
    """Refresh the token though it may still work, and though an earlier refresh has failed a moment ago.

    Not before the end of DigitalOcean's rate limit, and not within `REFRESH_PAUSE` after the last refresh. Returns the
    usable token or the error, as `access_tokens` does.
    """
    if connection.last_error != errors.RateLimited.code:
        Connection.objects.filter(pk=connection.pk, generation=connection.generation).update(retry_at=None)
        connection.retry_at = None
    pair = decrypt_pair(connection.token, connection.account.uid) if connection.token else None
    rejected = {connection.pk: pair[0]} if pair else {}
    [(_, found)] = access_tokens([connection], deadline=deadline, rejected=rejected, actor=actor)
    return found


def _check(
    connection: Connection, rejected: str | None, within: timedelta = timedelta(0)
) -> str | errors.DigitalOceanError | _Refresh:
    """What the row, as it was read, allows: a token, an error, or a refresh, which needs a lease."""
    if connection.state == Connection.State.NEEDS_RECONNECT:
        return errors.NeedsReconnect(connection.last_error)
    pair = decrypt_pair(connection.token, connection.account.uid) if connection.token else None
    if pair is None:
        log.error("No key decrypts a stored pair", extra={"connection": str(connection.pk)})
        return errors.NeedsReconnect(LOST_KEY, sentence=_LOST_KEY)
    access_token, refresh_token = pair
    now = timezone.now()
    is_rejected = rejected is not None and rejected == access_token
    if not is_due(connection, now, within):
        if not is_rejected:
            return access_token
        if connection.refreshed_at and now < connection.refreshed_at + REFRESH_PAUSE:
            return errors.Unavailable(
                "a token refreshed a moment ago was rejected",
                retry_at=connection.refreshed_at + REFRESH_PAUSE,
                sentence=_JUST_REFRESHED,
            )
    still_good = not is_rejected and connection.expires_at is not None and connection.expires_at > now
    if not refresh_token:
        if still_good:
            return access_token
        if mark_lost(connection, "no_refresh_token", actor="tokens"):
            notifications.needs_reconnect(connection)
        return errors.NeedsReconnect("no refresh token", sentence=_NO_REFRESH)
    if connection.retry_at and connection.retry_at > now:
        if still_good:
            return access_token
        return errors.by_code(connection.last_error)("backing off", retry_at=connection.retry_at)
    return _Refresh(connection, access_token, refresh_token, is_rejected)


def _reload(waiting: Mapping[UUID, Connection]) -> dict[UUID, Connection]:
    """The same connections as they are now. A deleted one is returned as one that needs to be reconnected."""
    fresh = {row.pk: row for row in Connection.objects.select_related("account__user", "token").filter(pk__in=waiting)}
    for pk, connection in waiting.items():
        if pk not in fresh:
            connection.state = Connection.State.NEEDS_RECONNECT
            fresh[pk] = connection
    return fresh


def _take_lease(refresh: _Refresh) -> bool:
    now = timezone.now()
    return bool(
        Connection.objects.filter(
            Q(lease_until=None) | Q(lease_until__lt=now),
            Q(retry_at=None) | Q(retry_at__lte=now),
            pk=refresh.connection.pk,
            generation=refresh.connection.generation,
            state=Connection.State.HEALTHY,
        ).update(lease_id=refresh.lease_id, lease_until=now + LEASE)
    )


def _finish(refreshing: executor.Calls[_Refresh, oauth.TokenPair], actor: str) -> None:
    """Store the refreshes whose caller could not wait: their answers hold pairs that exist nowhere else."""
    try:
        for refresh, answer in refreshing.completed():
            try:
                _store_answer(refresh, answer, actor)
            except DatabaseError:
                log.exception("How a refresh ended could not be stored")
    finally:
        database_connections.close_all()


def _store_answer(
    refresh: _Refresh, answer: oauth.TokenPair | errors.DigitalOceanError, actor: str
) -> str | errors.DigitalOceanError:
    """Store how a refresh ended; returns what its caller may use now."""
    connection = refresh.connection
    if isinstance(answer, errors.InvalidGrant):
        if mark_lost(connection, answer.code, actor=actor, request_id=answer.request_id):
            notifications.needs_reconnect(connection)
        return _after_invalid_grant(refresh)
    if isinstance(answer, errors.DigitalOceanError):
        answer.retry_at = _postpone(refresh, answer, actor)
        expires_at = connection.expires_at
        if not refresh.rejected and expires_at is not None and expires_at > timezone.now():
            return refresh.access_token
        return answer
    if refresh.spill and refreshed_pairs.store_pair(connection, refresh.spill):
        return answer.access_token
    return errors.NeedsReconnect("disconnected or connected again meanwhile")


def _after_invalid_grant(refresh: _Refresh) -> str | errors.DigitalOceanError:
    """`invalid_grant` says nothing about a pair that has been stored since: that one may be used."""
    [connection] = _reload({refresh.connection.pk: refresh.connection}).values()
    found = _check(connection, None)
    return errors.NeedsReconnect("invalid_grant") if isinstance(found, _Refresh) else found


def _postpone(refresh: _Refresh, error: errors.DigitalOceanError, actor: str) -> datetime:
    """Keep the pair, release the lease, and return when the next refresh may be tried."""
    connection = refresh.connection
    failures = connection.failures + 1
    if isinstance(error, errors.Misconfigured):
        failures = connection.failures  # Conveyor's failure, not the connection's
        log.critical("DigitalOcean does not accept Conveyor's credentials: check DIGITAL_OCEAN_CLIENT_ID and _SECRET")
    backoff = min(300.0, 2.0 * 2 ** min(failures, 8)) * random.uniform(0.5, 1.0)  # noqa: S311  # jitter, not a secret
    now = timezone.now()
    retry_at = max(now + timedelta(seconds=backoff), error.retry_at or now)
    with transaction.atomic():
        Connection.objects.filter(pk=connection.pk, lease_id=refresh.lease_id).update(
            lease_id=None,
            lease_until=None,
            failures=failures,
            retry_at=retry_at,
            last_error=error.code,
            last_error_at=now,
        )
        is_known = not isinstance(error, (errors.TooSlow, errors.AnswerLost, errors.UnexpectedAnswer))
        audit.record(
            Event.Kind.REFRESH,
            connection,
            actor=actor,
            outcome=error.code if is_known else "unknown",
            detail=error.detail,
            request_id=error.request_id,
        )
    outcomes.note_refresh(connection, error.code, sentence=error.sentence, request_id=error.request_id)
    return retry_at
