"""Key rotation: encrypt stored tokens again, with the first of TOKEN_KEYS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from allauth.socialaccount.models import SocialToken

from accounts import audit
from accounts.encryption import CannotDecrypt, decrypt, encrypt, is_current
from accounts.models import Connection, Event, Revocation

Outcome = Literal["encrypted", "current", "changed", "lost"]
"""`changed`: another process stored a new pair meanwhile, with *its* first key. `lost`: no key decrypts it."""

ACTOR = "reseal_tokens"


def encrypted_rows() -> Iterator[tuple[type[SocialToken] | type[Revocation], str]]:
    """Model and primary key of every row with encrypted tokens."""
    for token_pk in SocialToken.objects.order_by("pk").values_list("pk", flat=True):
        yield SocialToken, str(token_pk)
    for revocation_pk in Revocation.objects.order_by("pk").values_list("pk", flat=True):
        yield Revocation, str(revocation_pk)


def reencrypt(model: type[SocialToken] | type[Revocation], pk: str) -> tuple[Outcome, str]:
    """Encrypt one row with the first key if necessary. Returns the outcome and a name for messages.

    Writes only if the row still holds the text that was read, so a pair that a refresh stores meanwhile is kept. The
    connection's generation stays, so a running refresh can still save.
    """
    row = model.objects.filter(pk=pk).first()
    if row is None:
        return "changed", "gone"
    owner = row.account.uid if isinstance(row, SocialToken) else row.encryption_uid
    name = str(row.account) if isinstance(row, SocialToken) else str(row)
    if is_current(row.token) and is_current(row.token_secret):
        return "current", name
    try:
        token = decrypt(row.token, field="token", uid=owner)
        token_secret = decrypt(row.token_secret, field="token_secret", uid=owner)
    except CannotDecrypt:
        return "lost", name
    updated = model.objects.filter(pk=pk, token=row.token, token_secret=row.token_secret).update(
        token=encrypt(token, field="token", uid=owner),
        token_secret=encrypt(token_secret, field="token_secret", uid=owner),
    )
    if not updated:
        return "changed", name
    if isinstance(row, SocialToken):
        audit.record(Event.Kind.REENCRYPT, Connection.objects.filter(token=row).first(), actor=ACTOR)
    return "encrypted", name
