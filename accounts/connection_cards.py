"""What the Connections page shows about a connection."""

from dataclasses import dataclass

from accounts import connections
from accounts.connection_state import ConnectionState, state_of
from accounts.models import Connection, User


@dataclass(frozen=True)
class ConnectionCard:
    """`why_not_removable` is set where the connection is its owner's only way to log in: it can neither be disconnected
    nor can log-in with it be turned off.
    """

    connection: Connection
    state: ConnectionState
    why_not_removable: str


def cards_for(user: User) -> list[ConnectionCard]:
    """The cards of all connections of a user, in display order."""
    return [card(connection) for connection in Connection.objects.for_user(user)]


def card(connection: Connection) -> ConnectionCard:
    """The card of one connection."""
    why_not = "" if connections.can_remove(connection) else connections.ONLY_LOGIN
    return ConnectionCard(connection, state_of(connection), why_not)
