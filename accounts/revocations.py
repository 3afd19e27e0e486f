"""Grants that DigitalOcean is owed the revocation of: written down first, paid at once where that works, else later."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from datetime import datetime, timedelta
from time import monotonic
from typing import Literal
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts import audit
from accounts.encryption import CannotDecrypt, decrypt, encrypt
from accounts.models import Connection, Event, Revocation
from digitalocean_client import errors, oauth

log = logging.getLogger(__name__)

PENDING_LIFETIME = timedelta(hours=1)
"""A grant that is not connected by then is revoked as abandoned. Much longer than allauth's pending pages live."""

_LEASE = timedelta(seconds=30)
"""Longer than paying one takes at most: revoke, refresh, revoke, of `oauth.TIMEOUT` each."""


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
) -> Revocation:
    """Store this pair, encrypted, for revocation: now, or after `PENDING_LIFETIME` if it stays `PENDING`.

    Call it in the transaction that makes the pair unwanted.
    """
    row = Revocation(expires_at=expires_at, status=status, reason=reason, scope=scope, request_id=request_id[:100])
    if status == Revocation.Status.PENDING:
        row.due_at += PENDING_LIFETIME
    if connection:
        row.connection_id = connection.pk
        row.user_uuid, row.team_uuid = connection.user_uuid, connection.team_uuid
        row.team_name, row.email = connection.team_name, connection.email
    _seal_into(row, access_token, refresh_token)
    row.save()
    return row


def _seal_into(row: Revocation, access_token: str, refresh_token: str) -> None:
    row.token = encrypt(access_token, field="token", uid=row.encryption_uid)
    row.token_secret = encrypt(refresh_token, field="token_secret", uid=row.encryption_uid)


def opened(row: Revocation) -> tuple[str, str]:
    """The pair of a grant. Raises `CannotOpen`."""
    return (
        decrypt(row.token, field="token", uid=row.encryption_uid),
        decrypt(row.token_secret, field="token_secret", uid=row.encryption_uid),
    )


def mark_due(pk: UUID, reason: str) -> None:
    """Queue a pending grant for revocation, because nobody wants it."""
    Revocation.objects.filter(pk=pk).update(status=Revocation.Status.QUEUED, due_at=timezone.now(), reason=reason)


def due() -> list[UUID]:
    """What is owed now and nobody is just paying."""
    now = timezone.now()
    rows = Revocation.objects.filter(Q(lease_until=None) | Q(lease_until__lt=now), due_at__lte=now)
    return list(rows.values_list("pk", flat=True))


Step = Literal["revoke", "refresh"]


def process(pks: Iterable[UUID], *, deadline: float, actor: str) -> dict[UUID, errors.DigitalOceanError | None]:
    """Try to revoke these now. None for each that DigitalOcean took (or that was dead anyway), else the reason.

    Several at a time; ends at `deadline` (of `time.monotonic`). An access token that does not work any more may leave a
    refresh token that does, so then the pair is refreshed, written down, and the new one revoked.
    """
    outcome: dict[UUID, errors.DigitalOceanError | None] = {}
    running: dict[Future[oauth.TokenPair | str], tuple[Revocation, Step]] = {}
    pks = list(pks)
    # As wide as there are rows: one that waited for its turn could outlive its lease, and another payer would spend
    # the same refresh token and take the grant for dead.
    pool = ThreadPoolExecutor(max(len(pks), 1), thread_name_prefix="revoke")

    def start(row: Revocation, step: Step) -> None:
        timeout = min(deadline - monotonic(), oauth.TIMEOUT)
        access_token, refresh_token = opened(row)
        if step == "revoke":
            running[pool.submit(copy_context().run, oauth.revoke, access_token, timeout=timeout)] = row, step
        else:
            # A refresh that is cut off may lose the only token that could still end the grant: give it all its time.
            running[pool.submit(copy_context().run, oauth.refresh, refresh_token)] = row, step

    try:
        for row in _leased(pks):
            try:
                start(row, "revoke")
            except CannotDecrypt:
                outcome[row.pk] = _wait_longer(row, errors.Misconfigured("sealed with a lost key"), actor)
        while running:
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                row, step = running.pop(future)
                pk = row.pk  # deleting a row takes its key away
                try:
                    answer = future.result()
                except (errors.TokenRejected, errors.InvalidGrant) as error:
                    if step == "revoke" and row.token_secret:
                        start(row, "refresh")
                    else:
                        _done(row, actor, outcome="was dead already", request_id=error.request_id)
                        outcome[pk] = None
                except errors.DigitalOceanError as error:
                    outcome[pk] = _wait_longer(row, error, actor)
                else:
                    if isinstance(answer, oauth.TokenPair):
                        _seal_into(row, answer.access_token, answer.refresh_token)
                        row.expires_at = answer.expires_at
                        row.save(update_fields=["token", "token_secret", "expires_at"])
                        start(row, "revoke")
                    else:
                        _done(row, actor, request_id=answer)
                        outcome[pk] = None
    finally:
        pool.shutdown(wait=False)
    return outcome


def _leased(pks: Iterable[UUID]) -> Iterable[Revocation]:
    """Those of the rows that nobody else is paying right now, taken for us."""
    for pk in pks:
        now = timezone.now()
        free = Revocation.objects.filter(Q(lease_until=None) | Q(lease_until__lt=now), pk=pk)
        # No longer pending: a grant that may be revoked by now must not be connected, whatever the answer.
        if free.update(status=Revocation.Status.QUEUED, lease_until=now + _LEASE):
            yield Revocation.objects.get(pk=pk)


def _done(row: Revocation, actor: str, *, outcome: str = "ok", request_id: str = "") -> None:
    with transaction.atomic():
        audit.record(Event.Kind.REVOKE, row, actor=actor, outcome=outcome, detail=row.reason, request_id=request_id)
        row.delete()


def _wait_longer(row: Revocation, error: errors.DigitalOceanError, actor: str) -> errors.DigitalOceanError:
    """Not taken: again in a minute, then less and less often, at least daily."""
    attempts = min(row.attempts + 1, 1000)
    pause = timedelta(minutes=min(2 ** min(attempts - 1, 11), 24 * 60))
    retry_at = max(timezone.now() + pause, error.retry_at or timezone.now())
    with transaction.atomic():
        Revocation.objects.filter(pk=row.pk).update(
            attempts=attempts, due_at=retry_at, lease_until=None, last_error=error.code
        )
        audit.record(
            Event.Kind.REVOKE,
            row,
            actor=actor,
            outcome=error.code,
            detail=row.reason,
            request_id=error.request_id,
        )
    error.retry_at = retry_at
    return error
