"""The stored token pair of a connection: read it, replace it, mark it as lost.

Every write is `WHERE generation =` the one that was read, so nobody overwrites a pair that was stored meanwhile.
"""

from datetime import datetime, timedelta

from allauth.socialaccount.models import SocialToken
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts import audit, outcomes
from accounts.encryption import CannotDecrypt, decrypt, encrypt
from accounts.models import Connection, Event, is_visible
from digitalocean_client import errors
from digitalocean_client.oauth import TokenOwner
from digitalocean_client.text import clean_text

LOST_KEY = "encrypted with a lost key"
"""The `detail` of an error where no key of TOKEN_KEYS decrypts a stored pair."""


def decrypt_pair(token: SocialToken, uid: str) -> tuple[str, str] | None:
    """Access and refresh token of a row; None without a pair, or if no key decrypts it for this uid."""
    try:
        access_token = decrypt(token.token, field="token", uid=uid)
        return (access_token, decrypt(token.token_secret, field="token_secret", uid=uid)) if access_token else None
    except CannotDecrypt:
        return None


def is_readable(connection: Connection) -> bool:
    """Whether there is a stored pair and a key that decrypts it."""
    return connection.token is not None and decrypt_pair(connection.token, connection.account.uid) is not None


def is_due(connection: Connection, now: datetime, within: timedelta = timedelta(0)) -> bool:
    """Whether to refresh the access token: it expires within `within`, or very soon.

    Very soon means min(300 s, a tenth of its lifetime). A fixed margin longer than the lifetime would refresh on every
    request; `within` is limited to half of the lifetime for the same reason.
    """
    expires_at = connection.expires_at
    if expires_at is None:
        return False
    issued_at = max(filter(None, (connection.refreshed_at, connection.connected_at)))
    lifetime = max(expires_at - issued_at, timedelta(0))
    return expires_at - now <= max(min(timedelta(seconds=300), lifetime / 10), min(within, lifetime / 2))


def store(
    connection: Connection,
    *,
    access_token: str,
    refresh_token: str,
    expires_at: datetime | None,
    **changes: object,
) -> bool:
    """Encrypt and store a pair; nothing else does. False, and nothing stored, if the generation has changed.

    Call it inside a transaction. `changes` are further fields of the connection to update.
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
    encrypted = {
        "token": encrypt(access_token, field="token", uid=uid),
        "token_secret": encrypt(refresh_token, field="token_secret", uid=uid),
        "expires_at": expires_at,
    }
    # No signal is sent by this: what follows from a new pair is in the caller's transaction.
    if connection.token_id and SocialToken.objects.filter(pk=connection.token_id).update(**encrypted):
        return True
    token, created = SocialToken.objects.update_or_create(
        pk=connection.token_id, defaults=encrypted, create_defaults=encrypted | {"account": connection.account}
    )
    if created:
        Connection.objects.filter(pk=connection.pk).update(token=token)
    return True


def owner_fields(connection: Connection, owner: TokenOwner) -> dict[str, object]:
    """Changes for `store`: the team's name, if the answer of a refresh has one. A team may have been renamed."""
    if (owner.user_uuid, owner.team_uuid) != (connection.user_uuid, connection.team_uuid):
        return {}
    name = clean_text(owner.team_name)
    return {"team_name": name[:255]} if is_visible(name) else {}


def mark_lost(connection: Connection, reason: str, *, actor: str, request_id: str = "") -> bool:
    """Mark the pair as unusable, so that it is not tried again. False if it was replaced or marked meanwhile."""
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
    if marked:
        sentence = errors.NeedsReconnect.sentence
        outcomes.note_refresh(connection, reason, sentence=sentence, request_id=request_id)
    return bool(marked)
