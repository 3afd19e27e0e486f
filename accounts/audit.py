"""Writing the trail: one Event per thing that happened to a connection, and the same as one line in the log."""

from __future__ import annotations

import logging

from accounts.models import Connection, Event, Revocation, User

log = logging.getLogger(__name__)

PERSON = "person"
"""The actor of what somebody did on a page; other actors are named after the part of Conveyor that acted."""


def record(
    kind: Event.Kind,
    subject: Connection | Revocation | None,
    *,
    actor: str,
    outcome: str = "ok",
    user: User | None = None,
    detail: str = "",
    request_id: str = "",
) -> None:
    """Write down what happened to `subject`. `detail` and `outcome` are ours to word; never pass a secret."""
    connection_id = subject.pk if isinstance(subject, Connection) else getattr(subject, "connection_id", None)
    team_name = subject.team_name if subject else ""
    Event.objects.create(
        kind=kind,
        outcome=outcome[:40],
        actor=actor[:40],
        user=user,
        connection_id=connection_id,
        team_name=team_name,
        detail=detail[:300],
        request_id=request_id[:100],
    )
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
    """Write down that DigitalOcean now grants `scope`, where `connection` still has what it granted before."""
    detail = f"from {connection.scope or 'none'} to {scope or 'none'}"
    record(Event.Kind.SCOPE, connection, actor=actor, user=user, detail=detail, request_id=request_id)
