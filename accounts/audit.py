"""The audit log: an Event row, and a line in the log, for everything that happens to a connection or account."""

import logging
from contextlib import nullcontext

from django.db import IntegrityError, transaction
from structlog.contextvars import get_contextvars

from accounts.models import Connection, Event, Revocation, User
from common import metrics

log = logging.getLogger(__name__)

PERSON = "person"
"""The actor when a user did it on a page. Other actors are named after a part of Conveyor, like "refresh_tokens"."""
STAFF = "staff"
"""The actor when a staff member did it: `Event.staff`."""


def record(
    kind: Event.Kind,
    subject: Connection | Revocation | None,
    *,
    actor: str,
    outcome: str = "ok",
    user: User | None = None,
    staff: User | None = None,
    detail: str = "",
    request_id: str = "",
    address_hash: str = "",
) -> None:
    """Store and log what happened to `subject`. Never pass a secret, or text from outside as `outcome`.

    `request_id` is DigitalOcean's. Conveyor's own is that of the request that is answered, and is stored too.
    """
    connection_id = subject.pk if isinstance(subject, Connection) else getattr(subject, "connection_id", None)
    team_name = subject.team_name if subject else ""
    event = Event(
        kind=kind,
        outcome=outcome[:40],
        actor=actor[:40],
        user=user,
        staff=staff,
        connection_id=connection_id,
        team_name=team_name,
        detail=detail[:300],
        request_id=request_id[:100],
        page_request_id=str(get_contextvars().get("request_id") or "")[:64],
        address_hash=address_hash,
    )
    try:
        with transaction.atomic() if user or staff else nullcontext():
            event.save(force_insert=True)
    except IntegrityError:  # the account was deleted a moment ago, as when two sign up with one address at once
        event.user = None
        event.save(force_insert=True)
    metrics.add(metrics.EVENTS, kind=event.kind, outcome=event.outcome)
    log.log(
        logging.INFO if outcome == "ok" else logging.WARNING,
        "%s: %s",
        kind.label,
        outcome,
        extra={
            "connection": str(connection_id or "-"),
            "actor": actor,
            "digitalocean_request_id": request_id or "-",
            "detail": detail or "-",
        },
    )


def scope_changed(
    connection: Connection, scope: str, *, actor: str, user: User | None = None, request_id: str = ""
) -> None:
    """Record that DigitalOcean now grants `scope`. `connection` still has the scope from before."""
    detail = f"from {connection.scope or 'none'} to {scope or 'none'}"
    record(Event.Kind.SCOPE, connection, actor=actor, user=user, detail=detail, request_id=request_id)
