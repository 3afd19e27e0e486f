"""Support takes away Conveyor's access to a user's teams: all of it, or one connection."""

from uuid import UUID

from allauth.socialaccount.models import SocialAccount
from django.db import transaction
from django.db.models import F
from django.dispatch import Signal
from django.utils import timezone

from accounts import audit, connections
from accounts.models import Connection, Event, User

REVOKED = "revoked_by_support"
"""The outcome in the audit log, and `Connection.last_error`."""

access_revoked = Signal()
"""Sent in the transaction, with `user`: whoever keeps other secrets of the user ends them too."""


def revoke_access(user: User, *, staff: User) -> list[UUID]:
    """Delete the token pairs of all connections, and queue their revocation. Returns what to process after the commit.

    The connections stay and need to be reconnected, so the user can still log in with them. A refresh that is under
    way finds another generation, and revokes its own pair.
    """
    with transaction.atomic():
        # The same order of locks as in `connections.link`.
        list(SocialAccount.objects.select_for_update(of=("self",)).filter(user=user))
        found = list(Connection.objects.for_user(user))
        for connection in found:
            if connection.token is None:
                continue
            Connection.objects.filter(pk=connection.pk).update(
                state=Connection.State.NEEDS_RECONNECT,
                generation=F("generation") + 1,
                lease_id=None,
                lease_until=None,
                failures=0,
                retry_at=None,
                last_error=REVOKED,
                last_error_at=timezone.now(),
            )
            connection.token.delete()  # accounts.signals queues the revocation
            audit.record(Event.Kind.LOST, connection, actor=audit.STAFF, outcome=REVOKED, user=user, staff=staff)
        access_revoked.send(sender=User, user=user)
        return connections.pending_revocations([connection.pk for connection in found])


def disconnect(connection: Connection, *, staff: User) -> list[UUID]:
    """Delete a connection for its owner, who must have another way to log in (`connections.can_remove`).

    Call it in a transaction that has locked the user. Returns what to process after the commit.
    """
    list(SocialAccount.objects.select_for_update(of=("self",)).filter(pk=connection.account_id))
    pk, user = connection.pk, connection.user
    audit.record(Event.Kind.DISCONNECT, connection, actor=audit.STAFF, user=user, staff=staff)
    connection.account.delete()
    return connections.pending_revocations([pk])
