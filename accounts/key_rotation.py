"""Moving what is sealed from an older key to the first of TOKEN_KEYS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from allauth.socialaccount.models import SocialToken

from accounts import audit
from accounts.encryption import CannotDecrypt, decrypt, encrypt, is_current
from accounts.models import Connection, Event, Revocation

Outcome = Literal["encrypted", "current", "changed", "lost"]
"""`changed`: somebody stored another pair at that moment (sealed with *their* first key). `lost`: no key opens it."""

ACTOR = "reseal_tokens"


def encrypted_rows() -> Iterator[tuple[type[SocialToken] | type[Revocation], str]]:
    """Every row that holds something sealed."""
    for token_pk in SocialToken.objects.order_by("pk").values_list("pk", flat=True):
        yield SocialToken, str(token_pk)
    for revocation_pk in Revocation.objects.order_by("pk").values_list("pk", flat=True):
        yield Revocation, str(revocation_pk)


def reencrypt(model: type[SocialToken] | type[Revocation], pk: str) -> tuple[Outcome, str]:
    """Seal one row anew where that is needed; also says whose it is.

    The row is swapped only if it still holds the very text that was read, so a refresh that stores a pair meanwhile
    wins; and the connection's generation stays, so a refresh under way is not disturbed.
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
    swapped = model.objects.filter(pk=pk, token=row.token, token_secret=row.token_secret).update(
        token=encrypt(token, field="token", uid=owner),
        token_secret=encrypt(token_secret, field="token_secret", uid=owner),
    )
    if not swapped:
        return "changed", name
    if isinstance(row, SocialToken):
        audit.record(Event.Kind.REENCRYPT, Connection.objects.filter(token=row).first(), actor=ACTOR)
    return "encrypted", name
