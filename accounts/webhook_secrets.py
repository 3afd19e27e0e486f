"""Secrets of webhooks, encrypted like tokens: what signs them, and their URL, which may be a password in itself.

A model that has them in its fields `secret` and `sealed_url` is in `models`.
"""

import secrets
from typing import Any
from urllib.parse import urlsplit

from django.db.models import Model

from accounts.encryption import CannotDecrypt, Field, decrypt, encrypt, is_current

models: list[type[Model]] = []

_FIELDS: dict[str, Field] = {"secret": "webhook", "sealed_url": "webhook_url"}


def renew(row: Any) -> str:
    """Give the row a new secret, which the caller saves, and return it. It cannot be shown again."""
    secret = secrets.token_urlsafe(32)
    _write(row, "secret", secret)
    return secret


def read(row: Any) -> str:
    """The row's secret; "" if it has none, or if no key decrypts it."""
    return _read(row, "secret")


def write_url(row: Any, url: str) -> None:
    """Give the row this URL, or none, which the caller saves."""
    _write(row, "sealed_url", url)


def read_url(row: Any) -> str:
    """The row's URL; "" if it has none, or if no key decrypts it."""
    return _read(row, "sealed_url")


def mask_url(url: str) -> str:
    """The URL without what may be secret: “https://hooks.slack.com/…”, and the end of a long path to tell it by."""
    parts = urlsplit(url)
    rest = f"{parts.path.removeprefix('/')}{parts.query}"
    return f"{parts.scheme}://{parts.netloc}/{f'…{rest[-4:]}' if len(rest) >= 24 else '…' if rest else ''}"


def reencrypt(row: Any) -> bool | None:
    """Encrypt both with the first key if necessary. Returns whether that is stored, None if no key decrypts one."""
    before = {name: getattr(row, name) for name in _FIELDS}
    plain = {name: _read(row, name) for name, encrypted in before.items() if encrypted}
    if not all(plain.values()):
        return None
    for name, text in plain.items():
        _write(row, name, text)
    after = {name: getattr(row, name) for name in plain}
    return bool(type(row).objects.filter(pk=row.pk, **before).update(**after))


def is_up_to_date(row: Any) -> bool:
    """Whether there is nothing to encrypt again."""
    return all(is_current(getattr(row, name)) for name in _FIELDS)


def _read(row: Any, name: str) -> str:
    try:
        return decrypt(getattr(row, name), field=_FIELDS[name], uid=str(row.pk))
    except CannotDecrypt:
        return ""


def _write(row: Any, name: str, text: str) -> None:
    setattr(row, name, encrypt(text, field=_FIELDS[name], uid=str(row.pk)))
