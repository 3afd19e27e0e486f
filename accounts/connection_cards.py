"""What the Connections page shows about a connection."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts import connections, token_store
from accounts.models import Connection, User
from digitalocean_client import errors

_LOST: dict[str, str] = {
    "no_refresh_token": "The token has expired, and DigitalOcean sent no refresh token.",
}
_NO_KEY = "Conveyor can no longer decrypt this connection's token."


@dataclass(frozen=True)
class ConnectionCard:
    pk: UUID
    team_name: str
    email: str
    initial: str
    color: int
    state: str
    state_label: str
    problem: str
    account_status: str
    access_label: str
    droplet_count: int | None
    droplets_read_at: datetime | None
    refreshed_at: datetime | None
    expires_at: datetime | None
    sign_in: bool
    can_remove: bool
    """Whether the owner can log in without this connection: if not, it cannot be disconnected either."""
    why_not_removable: str


def cards_for(user: User) -> list[ConnectionCard]:
    """The cards of all connections of a user, in display order."""
    return [card(connection) for connection in Connection.objects.for_user(user)]


def card(connection: Connection) -> ConnectionCard:
    """The card of one connection."""
    state, label, problem = _state(connection)
    can_remove = connections.can_remove(connection)
    return ConnectionCard(
        pk=connection.pk,
        team_name=connection.team_name,
        email=connection.email,
        initial=connection.initial,
        color=connection.color,
        state=state,
        state_label=label,
        problem=problem,
        account_status=connection.account_status,
        access_label=connection.access_label,
        droplet_count=connection.droplet_count,
        droplets_read_at=connection.droplets_read_at,
        refreshed_at=connection.refreshed_at or connection.connected_at,
        expires_at=connection.expires_at,
        sign_in=connection.sign_in,
        can_remove=can_remove,
        why_not_removable="" if can_remove else connections.ONLY_LOGIN,
    )


def _state(connection: Connection) -> tuple[str, str, str]:
    """State, its label, and a sentence about the problem, if any."""
    if connection.state == Connection.State.NEEDS_RECONNECT:
        sentence = _LOST.get(connection.last_error, errors.NeedsReconnect.sentence)
        return "needs_reconnect", "Reconnect needed", sentence
    if not token_store.is_readable(connection):
        return "needs_reconnect", "Reconnect needed", _NO_KEY
    if connection.last_error:
        # Until a refresh succeeds, also after `retry_at`.
        return "failing", "Retrying", errors.by_code(connection.last_error).sentence
    return "healthy", "Healthy", ""
