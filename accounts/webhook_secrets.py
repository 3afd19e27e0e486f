"""Secrets that sign webhooks, encrypted like tokens. A model that has one in its field `secret` is in `models`."""

import secrets
from typing import Any

from django.db.models import Model

from accounts.encryption import CannotDecrypt, decrypt, encrypt, is_current

models: list[type[Model]] = []


def renew(row: Any) -> str:
    """Give the row a new secret, which the caller saves, and return it. It cannot be shown again."""
    secret = secrets.token_urlsafe(32)
    row.secret = encrypt(secret, field="webhook", uid=str(row.pk))
    return secret


def read(row: Any) -> str:
    """The row's secret; "" if it has none, or if no key decrypts it."""
    try:
        return decrypt(row.secret, field="webhook", uid=str(row.pk))
    except CannotDecrypt:
        return ""


def reencrypt(row: Any) -> bool | None:
    """Encrypt it with the first key if necessary. Returns whether it is stored, None if no key decrypts it."""
    secret = read(row)
    if not secret:
        return None
    encrypted = encrypt(secret, field="webhook", uid=str(row.pk))
    return bool(type(row).objects.filter(pk=row.pk, secret=row.secret).update(secret=encrypted))


def is_up_to_date(row: Any) -> bool:
    """Whether there is nothing to encrypt again."""
    return is_current(row.secret)
