"""Work for `refresh_tokens`: refresh tokens that expire soon, and send the revocations that wait."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Literal, TypeVar
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from accounts import revocations, tokens
from accounts.models import Connection, Revocation
from accounts.token_store import is_due
from digitalocean_client import errors, oauth

T = TypeVar("T")

ACTOR = "refresh_tokens"

_BATCH_SECONDS = tokens.LEASE.total_seconds() + oauth.TIMEOUT
"""Seconds for one batch: long enough to wait for the lease of another process, and then for a refresh of its own."""


@dataclass(frozen=True)
class Result:
    """What became of one connection or revocation.

    `lost` is final: the owner has to connect the team again. `waiting` is tried again by the next run.
    """

    what: Literal["refreshed", "revoked", "lost", "waiting"]
    name: str
    reason: str = ""

    @property
    def is_misconfigured(self) -> bool:
        return self.reason == errors.Misconfigured.code


def due_connections(within: timedelta) -> list[UUID]:
    """Primary keys of the connections whose access token expires `within` that time, the earliest first."""
    now = timezone.now()
    rows = Connection.objects.select_related("token").filter(
        state=Connection.State.HEALTHY, token__expires_at__lte=now + max(within, timedelta(seconds=300))
    )
    return [row.pk for row in rows.order_by("token__expires_at") if is_due(row, now, within)]


def refresh(pks: list[UUID], *, within: timedelta, batch: int) -> Iterator[Result]:
    """Refresh the tokens of these connections, `batch` at a time. Other processes may do so too: the lease decides."""
    for some in _slices(pks, batch):
        rows = Connection.objects.select_related("account__user", "token").filter(pk__in=some)
        before = {row.pk: row.generation for row in rows}
        deadline = monotonic() + _BATCH_SECONDS
        found = tokens.access_tokens(rows, deadline=deadline, within=within, actor=ACTOR)
        answers = {connection.pk: answer for connection, answer in found}
        for row in Connection.objects.filter(pk__in=before):
            answer = answers.get(row.pk)
            if row.generation != before[row.pk]:
                yield Result("refreshed", str(row))
            elif row.state == Connection.State.NEEDS_RECONNECT:
                yield Result("lost", str(row), row.last_error)
            else:
                reason = answer.code if isinstance(answer, errors.DigitalOceanError) else row.last_error
                yield Result("waiting", str(row), reason or "refreshed by another process")


def process_revocations(pks: list[UUID], *, batch: int) -> Iterator[Result]:
    """Send these revocations to DigitalOcean, `batch` at a time."""
    for some in _slices(pks, batch):
        names = {row.pk: str(row) for row in Revocation.objects.filter(pk__in=some)}
        answers = revocations.process(names, deadline=monotonic() + 3 * oauth.TIMEOUT, actor=ACTOR)
        for pk, error in answers.items():
            yield Result("waiting", names[pk], error.code) if error else Result("revoked", names[pk])


def backlog() -> int:
    """Number of revocations still to do, without the pending grants that may still be connected."""
    return Revocation.objects.filter(Q(status=Revocation.Status.QUEUED) | Q(due_at__lte=timezone.now())).count()


def _slices(items: list[T], size: int) -> Iterator[list[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
