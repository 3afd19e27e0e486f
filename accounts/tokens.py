"""The one door to usable access tokens. It stores pairs, and refreshes each exactly once, whoever asks.

A refresh token works once and a refresh ends the old access token at once, so two refreshes at a time would lose the
connection. Hence a lease on the connection's row, taken by one conditional UPDATE; no transaction and no row lock is
held over the network; whoever finds the lease taken waits for the new pair; and everything that is written about a
pair is written `WHERE generation =` the one that was read.

HTTP happens in worker threads, the database on the caller's.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, as_completed, wait
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic, sleep
from uuid import UUID, uuid4

from django.db import connections as database_connections
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts import audit, notifications, revocations
from accounts.models import Connection, Event
from accounts.token_store import decrypt_pair, is_due, mark_lost, store
from digitalocean_client import errors, oauth

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=20)
"""How long one refresher may keep the others waiting. Longer than any call to the token endpoint can take
(`oauth.TIMEOUT`), with room for clocks that differ between machines."""

_WORKERS = 16
_LOST_KEY = "The key that opens this connection's stored access is not here. Connect the team again."
_NO_REFRESH = "This connection's access has ended and cannot be renewed. Connect the team again."


@dataclass
class _Refresh:
    """One refresh that this caller holds the lease for."""

    connection: Connection
    access_token: str
    refresh_token: str
    rejected: bool
    lease_id: UUID = field(default_factory=uuid4)
    taken: float = field(default_factory=monotonic)

    def call(self) -> oauth.TokenPair:
        """In a worker. A process that slept past its lease must not send: somebody else has by now."""
        if monotonic() - self.taken > LEASE.total_seconds() - oauth.TIMEOUT - 1:
            raise errors.Unavailable("the lease ran out before the call")
        return oauth.refresh(self.refresh_token)


def access_tokens(
    connections: Iterable[Connection],
    *,
    deadline: float,
    rejected: Mapping[UUID, str] | None = None,
    within: timedelta = timedelta(0),
    actor: str = "page",
) -> Iterator[tuple[Connection, str | errors.DigitalOceanError]]:
    """A usable access token, or the reason why there is none, for each connection exactly once.

    Those that are ready come first, the others as their refresh ends, and at `deadline` (of `time.monotonic`) whatever
    is still open comes as an error; a refresh under way is then finished in the background, its pair never dropped.
    `rejected` has, by primary key, tokens that DigitalOcean answered with 401: such a one is refreshed, or read
    again where somebody has already. `within` renews also what ends that soon, though it could still be used.
    """
    open_ = {connection.pk: connection for connection in connections}
    rejected = rejected or {}
    running: dict[Future[oauth.TokenPair], _Refresh] = {}
    pool: ThreadPoolExecutor | None = None
    pause = 0.02
    try:
        while open_ or running:
            for connection in list(open_.values()):
                verdict = _look(connection, rejected.get(connection.pk), within)
                if isinstance(verdict, _Refresh):
                    if not _take_lease(verdict):
                        continue  # somebody else has it: look again
                    pool = pool or ThreadPoolExecutor(_WORKERS, thread_name_prefix="refresh")
                    running[pool.submit(copy_context().run, verdict.call)] = verdict
                    del open_[connection.pk]
                    continue
                del open_[connection.pk]
                yield connection, verdict
            left = deadline - monotonic()
            if left <= 0:
                break
            if running:
                done, _ = wait(running, timeout=min(left, pause) if open_ else left, return_when=FIRST_COMPLETED)
                for future in done:
                    refresh = running.pop(future)
                    yield refresh.connection, _settle(refresh, future, actor)
            elif open_:
                sleep(min(left, pause))
            if open_:
                pause = min(pause * 1.5, 0.25)
                open_ = _read_again(open_)
        for refresh in running.values():
            yield refresh.connection, errors.TooSlow("the refresh takes longer than the page waits")
        for connection in open_.values():
            yield connection, errors.TooSlow("somebody else's refresh takes longer than the page waits")
    finally:
        if pool:
            pool.shutdown(wait=False)
        if running:
            threading.Thread(target=_finish, args=(running, actor), name="token-keeper").start()


def _look(
    connection: Connection, rejected: str | None, within: timedelta = timedelta(0)
) -> str | errors.DigitalOceanError | _Refresh:
    """What the row, as it was read, allows: a token, an error, or a refresh that wants a lease."""
    if connection.state == Connection.State.NEEDS_RECONNECT:
        return errors.NeedsReconnect(connection.last_error)
    pair = decrypt_pair(connection.token, connection.account.uid) if connection.token else None
    if pair is None:
        log.error("No key opens a stored pair", extra={"connection": str(connection.pk)})
        return errors.NeedsReconnect("sealed with a lost key", sentence=_LOST_KEY)
    access_token, refresh_token = pair
    now = timezone.now()
    is_rejected = rejected is not None and rejected == access_token
    if not is_rejected and not is_due(connection, now, within):
        return access_token
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


def _read_again(open_: Mapping[UUID, Connection]) -> dict[UUID, Connection]:
    """The same connections as they are now; one that has gone meanwhile is shown as needing its owner."""
    fresh = {row.pk: row for row in Connection.objects.select_related("account__user", "token").filter(pk__in=open_)}
    for pk, connection in open_.items():
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


def _finish(running: Mapping[Future[oauth.TokenPair], _Refresh], actor: str) -> None:
    """See refreshes through whose caller could not wait: their answers hold pairs that exist nowhere else."""
    try:
        for future in as_completed(running):
            _settle(running[future], future, actor)
    finally:
        database_connections.close_all()


def _settle(refresh: _Refresh, future: Future[oauth.TokenPair], actor: str) -> str | errors.DigitalOceanError:
    """Write down how a refresh ended; returns what its caller may use now."""
    connection = refresh.connection
    try:
        pair = future.result()
    except errors.InvalidGrant as error:
        if mark_lost(connection, error.code, actor=actor, request_id=error.request_id):
            notifications.needs_reconnect(connection)
        return _after_refusal(refresh)
    except errors.DigitalOceanError as error:
        error.retry_at = _postpone(refresh, error, actor)
        expires_at = connection.expires_at
        if not refresh.rejected and expires_at is not None and expires_at > timezone.now():
            return refresh.access_token
        return error
    if _save(refresh, pair, actor):
        return pair.access_token
    return errors.NeedsReconnect("disconnected or connected again meanwhile")


def _after_refusal(refresh: _Refresh) -> str | errors.DigitalOceanError:
    """`invalid_grant` says nothing about a pair that has been stored since: that one may be used."""
    [now] = _read_again({refresh.connection.pk: refresh.connection}).values()
    verdict = _look(now, None)
    return errors.NeedsReconnect("invalid_grant") if isinstance(verdict, _Refresh) else verdict


def _save(refresh: _Refresh, pair: oauth.TokenPair, actor: str) -> bool:
    """Store a refreshed pair where the generation is still the one it came from; else it is owed a revocation."""
    connection = refresh.connection
    # RFC 6749 §5.1: none sent means the same as before.
    scope = connection.scope if pair.scope is None else oauth.account_scope(pair.scope)
    with transaction.atomic():
        saved = connection.token is not None and store(
            connection,
            access_token=pair.access_token,
            # RFC 6749 §6: none sent means that the old one goes on.
            refresh_token=pair.refresh_token or refresh.refresh_token,
            expires_at=pair.expires_at,
            scope=scope,
            refreshed_at=timezone.now(),
        )
        if saved:
            audit.record(Event.Kind.REFRESH, connection, actor=actor, request_id=pair.request_id)
            if scope != connection.scope:
                audit.scope_changed(connection, scope, actor=actor, request_id=pair.request_id)
        else:
            revocations.enqueue(
                pair.access_token,
                pair.refresh_token or refresh.refresh_token,
                expires_at=pair.expires_at,
                reason="came too late",
                connection=connection,
            )
            audit.record(Event.Kind.REFRESH, connection, actor=actor, outcome="too late", request_id=pair.request_id)
    return saved


def _postpone(refresh: _Refresh, error: errors.DigitalOceanError, actor: str) -> datetime:
    """Keep the pair, give the lease back, and say when the next try may be."""
    connection = refresh.connection
    failures = connection.failures + 1
    if isinstance(error, errors.Misconfigured):
        failures = connection.failures  # ours, not the connection's
        log.critical(
            "DigitalOcean does not accept Conveyor's own credentials: check DIGITAL_OCEAN_CLIENT_ID and _SECRET"
        )
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
        unknown = isinstance(error, (errors.TooSlow, errors.AnswerLost, errors.UnexpectedAnswer))
        audit.record(
            Event.Kind.REFRESH,
            connection,
            actor=actor,
            outcome="unknown" if unknown else error.code,
            detail=error.detail,
            request_id=error.request_id,
        )
    return retry_at
