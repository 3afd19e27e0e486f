"""The stored pair of a connection: reading it, writing it, giving it up.

Whatever is written here is written `WHERE generation =` the one that was read, so nobody overwrites what somebody else
has stored meanwhile.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from allauth.socialaccount.models import SocialToken
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts import audit
from accounts.encryption import CannotDecrypt, decrypt, encrypt
from accounts.models import Connection, Event


def decrypt_pair(token: SocialToken, uid: str) -> tuple[str, str] | None:
    """The pair of a row that belongs to this uid; None when there is none, or no key opens it."""
    try:
        access_token = decrypt(token.token, field="token", uid=uid)
        return (access_token, decrypt(token.token_secret, field="token_secret", uid=uid)) if access_token else None
    except CannotDecrypt:
        return None


def is_readable(connection: Connection) -> bool:
    """Whether there is a stored pair and a key that opens it."""
    return connection.token is not None and decrypt_pair(connection.token, connection.account.uid) is not None


def is_due(connection: Connection, now: datetime, within: timedelta = timedelta(0)) -> bool:
    """Whether the access token should be renewed: `within` from now, or a little before its end at the latest.

    The little is min(300 s, a tenth of the life): a fixed margin above the life would renew on every request. For the
    same reason `within` counts for half of the life at most.
    """
    ends = connection.expires_at
    if ends is None:
        return False
    began = max(filter(None, (connection.refreshed_at, connection.connected_at)))
    life = max(ends - began, timedelta(0))
    return ends - now <= max(min(timedelta(seconds=300), life / 10), min(within, life / 2))


def store(
    connection: Connection,
    *,
    access_token: str,
    refresh_token: str,
    expires_at: datetime | None,
    **changes: object,
) -> bool:
    """Seal and write a pair, the only place that does. False when the generation is no longer the one that was read.

    Call it inside a transaction. `changes` are further fields of the connection, written with it.
    """
    written = Connection.objects.filter(pk=connection.pk, generation=connection.generation).update(
        generation=F("generation") + 1,
        state=Connection.State.HEALTHY,
        lease_id=None,
        lease_until=None,
        failures=0,
        retry_at=None,
        last_error="",
        last_error_at=None,
        **changes,
    )
    if not written:
        return False
    uid = connection.account.uid
    sealed = {
        "token": encrypt(access_token, field="token", uid=uid),
        "token_secret": encrypt(refresh_token, field="token_secret", uid=uid),
        "expires_at": expires_at,
    }
    token, created = SocialToken.objects.update_or_create(
        pk=connection.token_id, defaults=sealed, create_defaults=sealed | {"account": connection.account}
    )
    if created:
        Connection.objects.filter(pk=connection.pk).update(token=token)
    return True


def mark_lost(connection: Connection, reason: str, *, actor: str, request_id: str = "") -> bool:
    """The pair is dead: nobody tries it again. False when the pair is another by now, or this was known already."""
    with transaction.atomic():
        marked = Connection.objects.filter(
            pk=connection.pk, generation=connection.generation, state=Connection.State.HEALTHY
        ).update(
            state=Connection.State.NEEDS_RECONNECT,
            lease_id=None,
            lease_until=None,
            retry_at=None,
            last_error=reason,
            last_error_at=timezone.now(),
        )
        if marked:
            audit.record(Event.Kind.LOST, connection, actor=actor, outcome=reason, request_id=request_id)
    return bool(marked)
