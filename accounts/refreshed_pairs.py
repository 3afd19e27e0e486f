"""Storing the pair that a refresh has brought: into a spill file first, then into the database."""

import logging
from contextlib import suppress
from time import monotonic
from typing import Any
from uuid import UUID

import msgspec
from django.db import transaction
from django.utils import timezone

from accounts import audit, outcomes, revocations, spill
from accounts.models import Connection, Event, Revocation
from accounts.token_store import decrypt_pair, owner_fields, store
from digitalocean_client import oauth

log = logging.getLogger(__name__)

_KIND = "refresh"
_REVOKE_SECONDS = 4.0
"""How long to try to revoke a late pair before `refresh_tokens` does it later."""


def write_file(connection: Connection, pair: oauth.TokenPair, *, refresh_token: str, actor: str) -> spill.Spill:
    """Write a pair to a file before it is stored. For worker threads: uses no database.

    `refresh_token` is the one that was used. If the answer has none, it stays valid (RFC 6749 §6).
    """
    kept = msgspec.structs.replace(pair, refresh_token=pair.refresh_token or refresh_token)
    data = {"pair": msgspec.to_builtins(kept), "actor": actor}
    return spill.Spill(_KIND, _key(connection.pk, connection.generation), data)


def store_leftovers(connection: Connection) -> int:
    """Store what a process that was killed, or a database outage, has left of this connection's refresh.

    Returns how many files are still there: another process works on them, or the database is away.
    """
    return spill.store_leftovers(_KIND, _key(connection.pk, connection.generation))


def store_pair(connection: Connection, written: spill.Spill) -> bool:
    """Store a pair, now, or in the background where the database is away. False where nobody wants it any more."""
    if spill.is_retrying():
        written.retry()
        return True
    try:
        saved = _save(connection, written.data)
    except Exception as error:
        log.warning("A refreshed pair is not stored yet: %s", type(error).__name__)
        written.retry()
        return True
    written.done()
    return saved


def _save(connection: Connection, data: dict[str, Any]) -> bool:
    """Store the pair if the generation is still the one that it came from; else revoke it."""
    pair = msgspec.convert(data["pair"], oauth.TokenPair)
    # RFC 6749 §5.1: without a scope in the answer it is the same as before.
    scope = connection.scope if pair.scope is None else oauth.account_scope(pair.scope)
    record = {"actor": data["actor"], "request_id": pair.request_id}
    with transaction.atomic():
        saved = connection.token is not None and store(
            connection,
            access_token=pair.access_token,
            refresh_token=pair.refresh_token,
            expires_at=pair.expires_at,
            scope=scope,
            refreshed_at=timezone.now(),
            **owner_fields(connection, pair.info),
        )
        if saved:
            audit.record(Event.Kind.REFRESH, connection, **record)
            if scope != connection.scope:
                audit.scope_changed(connection, scope, **record)
        else:
            audit.record(Event.Kind.REFRESH, connection, outcome="too late", **record)
            late = _enqueue(data, connection)
    if saved:
        outcomes.note_refresh(connection, Connection.OK, request_id=pair.request_id)
    else:
        _revoke(late, data["actor"])
    return saved


def _store_late(key: str, data: dict[str, Any]) -> None:
    """The spill file's handler. The file may be there although the pair is stored: the process died in between."""
    pk, _, generation = key.rpartition("-")
    connection = Connection.objects.select_related("account__user", "token").filter(pk=UUID(pk)).first()
    if connection is None:
        _revoke(_enqueue(data, None), data["actor"])
        return
    pair = decrypt_pair(connection.token, connection.account.uid) if connection.token else None
    if pair and pair[0] == data["pair"]["access_token"]:
        return
    connection.generation = int(generation)
    _save(connection, data)


def _revoke(late: Revocation, actor: str) -> None:
    """Revoke at once a pair that nobody wants, because it was disconnected or its account deleted meanwhile."""
    with suppress(*spill.NOT_STORED):  # the row is there: `refresh_tokens` tries again
        revocations.process([late.pk], deadline=monotonic() + _REVOKE_SECONDS, actor=actor)


def _enqueue(data: dict[str, Any], connection: Connection | None) -> Revocation:
    pair = msgspec.convert(data["pair"], oauth.TokenPair)
    return revocations.enqueue(
        pair.access_token,
        pair.refresh_token,
        expires_at=pair.expires_at,
        reason="came too late",
        connection=connection,
    )


def _key(pk: UUID, generation: int) -> str:
    return f"{pk}-{generation}"


spill.register(_KIND, _store_late)
