"""What the Connections page shows about a connection."""

from dataclasses import dataclass

from accounts import connections, token_store
from accounts.models import Connection, User
from digitalocean_client import errors

_NO_REFRESH = "The token has expired, and DigitalOcean sent no refresh token."
_NO_KEY = "Conveyor can no longer decrypt this connection's token."


@dataclass(frozen=True)
class ConnectionCard:
    """`problem` is a sentence, empty where there is none.

    `why_not_removable` is set where the connection is its owner's only way to log in: it can neither be disconnected
    nor can log-in with it be turned off.
    """

    connection: Connection
    state: str
    state_label: str
    problem: str
    why_not_removable: str


def cards_for(user: User) -> list[ConnectionCard]:
    """The cards of all connections of a user, in display order."""
    return [card(connection) for connection in Connection.objects.for_user(user)]


def card(connection: Connection) -> ConnectionCard:
    """The card of one connection."""
    why_not = "" if connections.can_remove(connection) else connections.ONLY_LOGIN
    return ConnectionCard(connection, *_state(connection), why_not_removable=why_not)


def _state(connection: Connection) -> tuple[str, str, str]:
    """State, its label, and a sentence about the problem, if any."""
    if connection.state == Connection.State.NEEDS_RECONNECT:
        sentence = _NO_REFRESH if connection.last_error == "no_refresh_token" else errors.NeedsReconnect.sentence
        return "needs_reconnect", "Reconnect needed", sentence
    if not token_store.is_readable(connection):
        return "needs_reconnect", "Reconnect needed", _NO_KEY
    if connection.last_error:
        # Until a refresh succeeds, also after `retry_at`.
        return "failing", "Retrying", errors.by_code(connection.last_error).sentence
    return "healthy", "Healthy", ""
