"""Key rotation: encrypt stored tokens and second factors again, with the first of TOKEN_KEYS."""

from collections.abc import Iterator
from typing import Literal

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialToken
from django.db.models import Model

from accounts import audit, webhook_secrets
from accounts.encryption import CannotDecrypt, decrypt, encrypt, is_current, is_encrypted
from accounts.models import Connection, Event, Revocation
from accounts.second_factor import FIELD

Outcome = Literal["encrypted", "current", "changed", "lost"]
"""`changed`: another process stored a new pair meanwhile, with *its* first key. `lost`: no key decrypts it."""

ACTOR = "reseal_tokens"


Encrypted = type[SocialToken] | type[Revocation] | type[Authenticator] | type[Model]

_SECRETS = ("secret", "seed")
"""Where allauth keeps the secret of an Authenticator: TOTP, and recovery codes."""


def encrypted_rows() -> Iterator[tuple[Encrypted, str]]:
    """Model and primary key of every row with encrypted texts."""
    models: tuple[Encrypted, ...] = (SocialToken, Revocation, Authenticator, *webhook_secrets.models)
    for model in models:
        for pk in model._default_manager.order_by("pk").values_list("pk", flat=True):
            yield model, str(pk)


def reencrypt(model: Encrypted, pk: str) -> tuple[Outcome, str]:
    """Encrypt one row with the first key if necessary. Returns the outcome and a name for messages.

    Writes only if the row still holds the text that was read, so a pair that a refresh stores meanwhile is kept. The
    connection's generation stays, so a running refresh can still save.
    """
    row = model._default_manager.filter(pk=pk).first()
    if row is None:
        return "changed", "gone"
    if isinstance(row, Authenticator):
        return _reencrypt_factor(row)
    if not isinstance(row, (SocialToken, Revocation)):
        return _reencrypt_webhook(row)
    owner = row.account.uid if isinstance(row, SocialToken) else row.encryption_uid
    name = str(row.account) if isinstance(row, SocialToken) else str(row)
    if is_current(row.token) and is_current(row.token_secret):
        return "current", name
    try:
        token = decrypt(row.token, field="token", uid=owner)
        token_secret = decrypt(row.token_secret, field="token_secret", uid=owner)
    except CannotDecrypt:
        return "lost", name
    updated = (
        type(row)
        .objects.filter(pk=pk, token=row.token, token_secret=row.token_secret)
        .update(
            token=encrypt(token, field="token", uid=owner),
            token_secret=encrypt(token_secret, field="token_secret", uid=owner),
        )
    )
    if not updated:
        return "changed", name
    if isinstance(row, SocialToken):
        audit.record(Event.Kind.REENCRYPT, Connection.objects.filter(token=row).first(), actor=ACTOR)
    return "encrypted", name


def _reencrypt_webhook(row: Model) -> tuple[Outcome, str]:
    name = f"webhook of {row}"
    if webhook_secrets.is_up_to_date(row):
        return "current", name
    is_stored = webhook_secrets.reencrypt(row)
    return ("lost" if is_stored is None else "encrypted" if is_stored else "changed"), name


def _reencrypt_factor(row: Authenticator) -> tuple[Outcome, str]:
    """A secret that is not encrypted yet, from an earlier version, is encrypted too."""
    name = f"second factor of {row.user}"
    texts = {key: row.data[key] for key in _SECRETS if row.data.get(key)}
    if all(is_current(text) for text in texts.values()):
        return "current", name
    try:
        plain = {
            key: decrypt(text, field=FIELD, uid=FIELD) if is_encrypted(text) else text for key, text in texts.items()
        }
    except CannotDecrypt:
        return "lost", name
    changed = {key: encrypt(text, field=FIELD, uid=FIELD) for key, text in plain.items()}
    updated = Authenticator.objects.filter(pk=row.pk, data=row.data).update(data=row.data | changed)
    return ("encrypted" if updated else "changed"), name
