"""Queue of token revocations: stored first, sent at once, retried until DigitalOcean accepts."""

import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from functools import partial
from math import inf
from time import monotonic
from typing import Any, Literal
from uuid import UUID, uuid4

import msgspec
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts import audit, spill
from accounts.encryption import CannotDecrypt, decrypt, encrypt
from accounts.models import Connection, Event, Revocation
from accounts.token_store import LOST_KEY
from digitalocean_client import errors, executor, oauth

log = logging.getLogger(__name__)

PENDING_LIFETIME = timedelta(hours=1)
"""A grant that is not connected by then is revoked as abandoned. Much longer than allauth's pending pages live."""

_LEASE = timedelta(seconds=30)
"""Longer than one revocation can take: revoke, refresh and revoke again, each up to `oauth.TIMEOUT`."""


def enqueue(
    access_token: str,
    refresh_token: str,
    *,
    expires_at: datetime | None,
    reason: str,
    connection: Connection | None = None,
    scope: str = "",
    request_id: str = "",
    status: Revocation.Status = Revocation.Status.QUEUED,
    pk: UUID | None = None,
) -> Revocation:
    """Store this pair, encrypted, for revocation: now, or after `PENDING_LIFETIME` if it stays `PENDING`.

    Call it in the transaction that makes the pair unwanted. `pk` is the new row's key where it is known already.
    """
    row = Revocation(
        pk=pk or uuid4(), expires_at=expires_at, status=status, reason=reason, scope=scope, request_id=request_id[:100]
    )
    if status == Revocation.Status.PENDING:
        row.due_at += PENDING_LIFETIME
    if connection:
        row.connection_id = connection.pk
        row.user_uuid, row.team_uuid = connection.user_uuid, connection.team_uuid
        row.team_name, row.email = connection.team_name, connection.email
    _encrypt_into(row, access_token, refresh_token)
    row.save()
    return row


def write_file(kind: Literal["grant", "revocation"], pk: UUID, pair: oauth.TokenPair) -> spill.Spill:
    """Write a pair to a spill file before the row `pk` stores it. For worker threads: uses no database.

    A `grant` has just been authorized and has no row yet. A `revocation` has one, whose pair is spent.
    """
    return spill.Spill(kind, str(pk), msgspec.to_builtins(pair))


def _store_grant_late(key: str, data: dict[str, Any]) -> None:
    """Queue a grant whose callback failed. If it has a row, the process died after storing it."""
    if not Revocation.objects.filter(pk=key).exists():
        pair = msgspec.convert(data, oauth.TokenPair)
        enqueue(pair.access_token, pair.refresh_token, expires_at=pair.expires_at, reason="abandoned", pk=UUID(key))


def _store_pair_late(key: str, data: dict[str, Any]) -> None:
    """Replace a pair that was spent. Without a row the revocation is done."""
    row = Revocation.objects.filter(pk=key).first()
    if row:
        _replace_pair(row, data)


def _replace_pair(row: Revocation, data: dict[str, Any]) -> None:
    pair = msgspec.convert(data, oauth.TokenPair)
    _encrypt_into(row, pair.access_token, pair.refresh_token)
    row.expires_at = pair.expires_at
    row.save(update_fields=["token", "token_secret", "expires_at"])


spill.register("grant", _store_grant_late)
spill.register("revocation", _store_pair_late)


def _encrypt_into(row: Revocation, access_token: str, refresh_token: str) -> None:
    row.token = encrypt(access_token, field="token", uid=row.encryption_uid)
    row.token_secret = encrypt(refresh_token, field="token_secret", uid=row.encryption_uid)


def decrypt_pair(row: Revocation) -> tuple[str, str]:
    """The access and the refresh token of a grant. Raises `CannotDecrypt`."""
    return (
        decrypt(row.token, field="token", uid=row.encryption_uid),
        decrypt(row.token_secret, field="token_secret", uid=row.encryption_uid),
    )


def mark_due(pk: UUID, reason: str) -> None:
    """Queue a pending grant for revocation, because nobody wants it."""
    Revocation.objects.filter(pk=pk).update(status=Revocation.Status.QUEUED, due_at=timezone.now(), reason=reason)


def due() -> list[UUID]:
    """The keys of due revocations that no one has leased."""
    now = timezone.now()
    rows = Revocation.objects.filter(Q(lease_until=None) | Q(lease_until__lt=now), due_at__lte=now)
    return list(rows.values_list("pk", flat=True))


Step = Literal["revoke", "refresh"]


def process(pks: Iterable[UUID], *, deadline: float, actor: str) -> dict[UUID, errors.DigitalOceanError | None]:
    """Try to revoke these now. None for each that DigitalOcean accepted or no longer knew, else the reason.

    No revocation is sent after `deadline` (of `time.monotonic`).
    """
    return dict(process_each(pks, deadline=deadline, actor=actor))


def process_each(
    pks: Iterable[UUID],
    *,
    actor: str,
    deadline: float = inf,
    at_once: int = sys.maxsize,
    is_stopped: Callable[[], object] = bool,
) -> Iterator[tuple[UUID, errors.DigitalOceanError | None]]:
    """As `process`, each as it ends, with `at_once` under way. Once `is_stopped` says so, no further one is begun.

    An access token that does not work any more may leave a refresh token that does. Then the pair is refreshed, stored,
    and the new pair revoked.
    """
    queue, upcoming = _Queue(deadline, actor), iter(pks)
    while True:
        while len(queue.calls) < at_once and not is_stopped() and (pk := next(upcoming, None)):
            yield from queue.begin(pk)
        if not queue.calls:
            return
        for call, answer in queue.calls.completed():
            yield from queue.end(*call, answer)
            if len(queue.calls) < at_once:
                break


class _Queue:
    """The revocations under way.

    A lease is taken when its calls begin: a row that waits for its turn could outlive its lease. Then another process
    would spend the same refresh token, and the `invalid_grant` that follows would look as if the grant had ended.
    """

    def __init__(self, deadline: float, actor: str) -> None:
        self._deadline, self._actor = deadline, actor
        self.calls: executor.Calls[tuple[Revocation, Step], spill.Spill | str] = executor.Calls()

    def begin(self, pk: UUID) -> Iterator[tuple[UUID, errors.DigitalOceanError]]:
        """Begin with this one if its lease is free. Yields the error where that cannot be."""
        for row in _leased(pk):
            try:
                self._send(row, "revoke")
            except CannotDecrypt:
                yield row.pk, _retry_later(row, errors.Misconfigured(LOST_KEY), self._actor)

    def _send(self, row: Revocation, step: Step) -> None:
        access_token, refresh_token = decrypt_pair(row)
        if step == "revoke":
            timeout = min(self._deadline - monotonic(), oauth.TIMEOUT)
            self.calls.start((row, step), partial(oauth.revoke, access_token, timeout=timeout))
        else:
            # With all its time: a refresh that is cut off may lose the only token that could still end the grant.
            self.calls.start((row, step), lambda pk=row.pk: write_file("revocation", pk, oauth.refresh(refresh_token)))

    def end(
        self, row: Revocation, step: Step, answer: spill.Spill | str | errors.DigitalOceanError
    ) -> Iterator[tuple[UUID, errors.DigitalOceanError | None]]:
        """Store an answer, and go on with the next step if there is one, else yield the outcome."""
        pk = row.pk  # deleting a row clears its key
        if isinstance(answer, (errors.TokenRejected, errors.InvalidGrant)):
            if step == "revoke" and row.token_secret:
                self._send(row, "refresh")
            else:
                _done(row, self._actor, outcome="was dead already", request_id=answer.request_id)
                yield pk, None
        elif isinstance(answer, errors.DigitalOceanError):
            yield pk, _retry_later(row, answer, self._actor)
        elif isinstance(answer, spill.Spill):
            try:
                _replace_pair(row, answer.data)
            except spill.NOT_STORED:
                answer.retry()
                raise
            answer.done()
            self._send(row, "revoke")
        else:
            _done(row, self._actor, request_id=answer)
            yield pk, None


def _leased(pk: UUID) -> Iterator[Revocation]:
    """The row, if its lease was free and is taken now."""
    now = timezone.now()
    free = Revocation.objects.filter(Q(lease_until=None) | Q(lease_until__lt=now), pk=pk)
    # No longer pending: a grant that may be revoked by now must not be connected, whatever the answer.
    if free.update(status=Revocation.Status.QUEUED, lease_until=now + _LEASE):
        yield Revocation.objects.get(pk=pk)


def _done(row: Revocation, actor: str, *, outcome: str = "ok", request_id: str = "") -> None:
    with transaction.atomic():
        audit.record(Event.Kind.REVOKE, row, actor=actor, outcome=outcome, detail=row.reason, request_id=request_id)
        row.delete()


def _retry_later(row: Revocation, error: errors.DigitalOceanError, actor: str) -> errors.DigitalOceanError:
    """Not accepted: try again in a minute, then less and less often, at least daily."""
    attempts = min(row.attempts + 1, 1000)
    pause = timedelta(minutes=min(2 ** min(attempts - 1, 11), 24 * 60))
    retry_at = max(timezone.now() + pause, error.retry_at or timezone.now())
    with transaction.atomic():
        Revocation.objects.filter(pk=row.pk).update(
            attempts=attempts, due_at=retry_at, lease_until=None, last_error=error.code
        )
        audit.record(
            Event.Kind.REVOKE, row, actor=actor, outcome=error.code, detail=row.reason, request_id=error.request_id
        )
    error.retry_at = retry_at
    return error
