"""Acts of support on one connection: test it, refresh its token, ask its owner to reconnect it, disconnect it."""

from datetime import timedelta
from time import monotonic
from uuid import UUID

from django.conf import settings
from django.urls import reverse

from accounts import access_revocation, audit, connections, notifications, token_store, tokens
from accounts.models import Connection, User
from accounts.support.act import Act, ActRefused, Finish, Subject
from digitalocean_client import errors, executor, oauth

_SECONDS = 12.0
"""How long a staff member waits for DigitalOcean."""

_ACTOR = "support"


def _needs_owner(person: User, connection: Connection | None) -> str:
    if connection and (connection.state == Connection.State.NEEDS_RECONNECT or not token_store.is_readable(connection)):
        return "Conveyor has no usable token of this team. Only its owner can reconnect it: ask them to."
    return "" if person.is_active else "The account is deactivated: its tokens are not used."


def _test(subject: Subject) -> Finish:
    connection = _connection(subject)
    return lambda: _result_of_test(connection)


def _result_of_test(connection: Connection) -> str:
    deadline = monotonic() + _SECONDS
    [(_, token)] = tokens.access_tokens([connection], deadline=deadline, actor=_ACTOR)
    if isinstance(token, errors.DigitalOceanError):
        return f"The test failed. {_explained(token)}"
    calls: executor.Calls[None, oauth.TokenOwner] = executor.Calls()
    began = monotonic()
    calls.start(None, oauth.token_owner, token)
    for _, answer in calls.completed(deadline=deadline):
        if isinstance(answer, errors.DigitalOceanError):
            return f"The test failed. {_explained(answer)}"
        return f"The test passed: DigitalOcean accepted the token, in {monotonic() - began:.1f} s."
    return f"The test failed. {errors.TooSlow.sentence}"


def _refresh(subject: Subject) -> Finish:
    connection = _connection(subject)
    return lambda: _result_of_refresh(connection)


def _result_of_refresh(connection: Connection) -> str:
    before = connection.generation
    found = tokens.refresh_now(connection, deadline=monotonic() + _SECONDS, actor=_ACTOR)
    connection.refresh_from_db()
    if connection.generation != before and not isinstance(found, errors.DigitalOceanError):
        return "The token was refreshed. DigitalOcean issued a new one."
    if isinstance(found, errors.DigitalOceanError):
        return f"The token was not refreshed. {_explained(found)}"
    return "The token was not refreshed: another process is refreshing it. Look again in a minute."


def _explained(error: errors.DigitalOceanError) -> str:
    if isinstance(error, (errors.NeedsReconnect, errors.InvalidGrant)):
        return "DigitalOcean no longer accepts this connection. Only its owner can reconnect it: ask them to."
    request = f" DigitalOcean's request ID: {error.request_id}." if error.request_id else ""
    return f"{error.sentence}{request}"


def _ask(subject: Subject) -> Finish:
    connection = _connection(subject)

    def send() -> str:
        sent = notifications.send(
            "support_reconnect",
            subject.person,
            connection=connection,
            reason=subject.reason,
            url=settings.BASE_URL + reverse("socialaccount_connections"),
        )
        return "The owner was asked by email to reconnect the team." if sent else "The email could not be sent."

    return send


def _cannot_be_asked(person: User, connection: Connection | None) -> str:
    if not person.is_active:
        return "The account is deactivated: its owner cannot log in to reconnect anything."
    return "" if person.has_own_email else "The user has no email address."


def _disconnect(subject: Subject) -> Finish:
    connection = _connection(subject)
    if not connections.can_remove(connection):  # the row of the user is locked
        raise ActRefused(_ONLY_LOGIN)
    queued = access_revocation.disconnect(connection, staff=subject.staff)
    return lambda: f"{connection.team_name} was disconnected. {revoked(queued)}"


_ONLY_LOGIN = (
    "This team is the user's only way to log in, so it cannot be disconnected. "
    "To end the access only, revoke everything: the connection stays and the user can still log in."
)


def _is_only_login(person: User, connection: Connection | None) -> str:
    return "" if connection is None or connections.can_remove(connection) else _ONLY_LOGIN


def revoked(queued: list[UUID]) -> str:
    """Try these revocations for a few seconds; a sentence about what came of it. Call it after the commit."""
    if not queued:
        return "There was no token to revoke."
    waiting = connections.process_now(queued, actor=audit.STAFF)
    if not waiting:
        return "DigitalOcean has revoked the access."
    return "DigitalOcean has not confirmed every revocation yet. Conveyor keeps trying."


def _connection(subject: Subject) -> Connection:
    if subject.connection is None:
        raise ActRefused("This connection no longer exists.")
    return subject.connection


CONNECTION_ACTS = (
    Act(
        "test",
        "Test the connection",
        "test_connection",
        (
            "Conveyor asks DigitalOcean whose token this is, and shows the answer. If the token has expired, it is "
            "refreshed first, as on the owner's own pages.",
            "Nothing else is sent.",
        ),
        "tested the connection to your team {team}. Nothing was changed",
        _test,
        on="connection",
        why_not=_needs_owner,
        pause=timedelta(seconds=5),
    ),
    Act(
        "refresh",
        "Refresh the token",
        "refresh_connection",
        (
            "DigitalOcean issues a new token, and the present one stops working.",
            "A refresh that failed before is tried again at once.",
        ),
        "refreshed the token of your team {team}. You do not need to do anything",
        _refresh,
        on="connection",
        why_not=_needs_owner,
    ),
    Act(
        "ask",
        "Ask the owner to reconnect",
        "ask_to_reconnect",
        ("The owner gets an email with your reason and a link to the Connections page.", "The token stays as it is."),
        "",
        _ask,
        on="connection",
        why_not=_cannot_be_asked,
    ),
    Act(
        "disconnect",
        "Disconnect and revoke",
        "disconnect_connection",
        (
            "Conveyor deletes the connection and revokes its token at DigitalOcean.",
            "Its droplets disappear from Conveyor. At DigitalOcean they stay as they are.",
            "The owner can connect the team again at any time.",
        ),
        "disconnected your team {team} from Conveyor, and revoked its access at DigitalOcean. Your droplets stay as "
        "they are. You can connect the team again on the Connections page",
        _disconnect,
        on="connection",
        why_not=_is_only_login,
        is_checked_late=True,
        is_destructive=True,
    ),
)
