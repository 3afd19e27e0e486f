"""A connection as the Connections page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts import connections, token_store
from accounts.adapter import LAST_WAY_IN
from accounts.models import Connection, User
from digitalocean_client import errors

_LOST: dict[str, str] = {
    "no_refresh_token": "Its access has ended, and DigitalOcean gave none to renew it with.",
}
_LOST_KEY = "The key that opens its stored access is not here any more."


@dataclass(frozen=True)
class ConnectionCard:
    pk: UUID
    team_name: str
    email: str
    initial: str
    color: int
    state: str
    state_label: str
    trouble: str
    access_label: str
    droplet_count: int | None
    droplets_read_at: datetime | None
    refreshed_at: datetime | None
    expires_at: datetime | None
    sign_in: bool
    can_switch_sign_in_off: bool
    can_disconnect: bool
    why_not_disconnect: str


def cards_for(user: User) -> list[ConnectionCard]:
    """A person's connections, as cards."""
    return [card(connection) for connection in Connection.objects.of(user)]


def card(connection: Connection) -> ConnectionCard:
    state, label, trouble = _state(connection)
    may_lose = connections.may_lose(connection)
    return ConnectionCard(
        pk=connection.pk,
        team_name=connection.team_name,
        email=connection.email,
        initial=connection.initial,
        color=connection.color,
        state=state,
        state_label=label,
        trouble=trouble,
        access_label=connection.access_label,
        droplet_count=connection.droplet_count,
        droplets_read_at=connection.droplets_read_at,
        refreshed_at=connection.refreshed_at or connection.connected_at,
        expires_at=connection.expires_at,
        sign_in=connection.sign_in,
        can_switch_sign_in_off=may_lose,
        can_disconnect=may_lose,
        why_not_disconnect="" if may_lose else LAST_WAY_IN,
    )


def _state(connection: Connection) -> tuple[str, str, str]:
    """State, its word, and the sentence about it."""
    if connection.state == Connection.State.NEEDS_RECONNECT:
        sentence = _LOST.get(connection.last_error, errors.NeedsReconnect.sentence)
        return "needs_reconnect", "Needs you", sentence
    if not token_store.is_readable(connection):
        return "needs_reconnect", "Needs you", _LOST_KEY
    if connection.last_error:
        # Until a refresh has worked, also when the pause after the failed one is over.
        return "failing", "Waiting", errors.by_code(connection.last_error).sentence
    return "healthy", "Healthy", ""
