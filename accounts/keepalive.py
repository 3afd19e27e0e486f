"""Work for `refresh_tokens`: refresh tokens that expire soon, and send the revocations that wait."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from math import inf
from typing import Literal
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from accounts import revocations, tokens
from accounts.models import Connection, Revocation
from accounts.token_store import LOST_KEY, is_due
from digitalocean_client import errors

ACTOR = "refresh_tokens"

AT_ONCE = 32
"""Calls under way at a time."""

_LOADED_AT_ONCE = 100


@dataclass(frozen=True)
class Result:
    """What became of one connection or revocation.

    `lost` is final: the owner has to connect the team again. `waiting` is tried again by the next run.
    """

    what: Literal["refreshed", "revoked", "lost", "waiting"]
    name: str
    reason: str = ""
    is_key_missing: bool = False
    """No key of TOKEN_KEYS decrypts what is stored."""

    @property
    def is_misconfigured(self) -> bool:
        """DigitalOcean does not accept Conveyor's own credentials."""
        return self.reason == errors.Misconfigured.code and not self.is_key_missing


def due_connections(within: timedelta) -> list[UUID]:
    """Primary keys of the connections whose access token expires `within` that time, the earliest first.

    Not those of deactivated users.
    """
    now = timezone.now()
    rows = Connection.objects.select_related("token").filter(
        state=Connection.State.HEALTHY,
        account__user__is_active=True,  # support may pause an account
        token__expires_at__lte=now + max(within, timedelta(seconds=300)),
    )
    return [row.pk for row in rows.order_by("token__expires_at") if is_due(row, now, within)]


def refresh(
    pks: list[UUID], *, within: timedelta, at_once: int = AT_ONCE, is_stopped: Callable[[], object] = bool
) -> Iterator[Result]:
    """Refresh the tokens of these connections, `at_once` at a time. Other processes may too: the lease decides.

    Results come in groups. Once `is_stopped` says so no refresh is begun any more; those under way are finished.
    """
    before: dict[UUID, int] = {}

    def rows() -> Iterator[Connection]:
        for start in range(0, len(pks), _LOADED_AT_ONCE):
            some = pks[start : start + _LOADED_AT_ONCE]
            for row in Connection.objects.select_related("account__user", "token").filter(pk__in=some):
                before[row.pk] = row.generation
                yield row

    # Without a deadline: a call ends by itself, and what waits for another process waits for its lease to run out.
    found = tokens.access_tokens(
        rows(), deadline=inf, within=within, actor=ACTOR, at_once=at_once, is_stopped=is_stopped
    )
    while answers := {connection.pk: answer for connection, answer in islice(found, at_once)}:
        for row in Connection.objects.filter(pk__in=answers):
            yield _result(row, before.pop(row.pk), answers[row.pk])


def _result(row: Connection, generation: int, answer: str | errors.DigitalOceanError) -> Result:
    if row.generation != generation:
        return Result("refreshed", str(row))
    if row.state == Connection.State.NEEDS_RECONNECT:
        return Result("lost", str(row), row.last_error)
    error = answer if isinstance(answer, errors.DigitalOceanError) else None
    reason = (error.code if error else row.last_error) or "refreshed by another process"
    return Result("waiting", str(row), reason, bool(error and error.detail == LOST_KEY))


def process_revocations(
    pks: list[UUID], *, at_once: int = AT_ONCE, is_stopped: Callable[[], object] = bool
) -> Iterator[Result]:
    """Send these revocations to DigitalOcean, `at_once` at a time."""
    names = {row.pk: str(row) for row in Revocation.objects.filter(pk__in=pks).defer("token", "token_secret")}
    for pk, error in revocations.process_each(names, actor=ACTOR, at_once=at_once, is_stopped=is_stopped):
        if error:
            yield Result("waiting", names[pk], error.code, error.detail == LOST_KEY)
        else:
            yield Result("revoked", names[pk])


def backlog() -> int:
    """Number of revocations still to do, without the pending grants that may still be connected."""
    return Revocation.objects.filter(Q(status=Revocation.Status.QUEUED) | Q(due_at__lte=timezone.now())).count()
