"""Encryption of stored tokens (Fernet). The only module that knows how they are encrypted.

The encrypted text contains the field and the owner (the uid of a SocialAccount) and decrypts only for these, so a text
copied to another row or column is useless. The first of TOKEN_KEYS encrypts; every key of the list decrypts.

Which modules may import this is a contract in pyproject.toml.
"""

from functools import lru_cache
from typing import Literal

import msgspec
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

Field = Literal["token", "token_secret", "spill", "second_factor", "webhook", "webhook_url"]


class CannotDecrypt(Exception):
    """No key decrypts this text, or it was encrypted for another field or owner."""


@lru_cache(maxsize=4)
def _keys(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def encrypt(text: str, *, field: Field, uid: str) -> str:
    """Encrypt `text` for this field of this owner. The empty text stays empty: it means that there is no token."""
    if not text:
        return ""
    return _keys(tuple(settings.TOKEN_KEYS)).encrypt(msgspec.json.encode((field, uid, text))).decode()


def decrypt(encrypted: str, *, field: Field, uid: str) -> str:
    """The original text. Raises `CannotDecrypt`."""
    if not encrypted:
        return ""
    try:
        decrypted = _keys(tuple(settings.TOKEN_KEYS)).decrypt(encrypted.encode())
        own_field, own_uid, text = msgspec.json.decode(decrypted, type=tuple[str, str, str])
    except (InvalidToken, msgspec.MsgspecError, UnicodeError):
        raise CannotDecrypt("no key decrypts it") from None
    if (own_field, own_uid) != (field, uid):
        raise CannotDecrypt("it was encrypted for another field or owner")
    return text


def is_encrypted(text: str) -> bool:
    """Whether this looks like an encrypted text, whatever its key: all of Fernet's begin like this."""
    return text.startswith("gAAAA")


def is_current(encrypted: str) -> bool:
    """Whether this is encrypted with the first key. True for the empty text."""
    if not encrypted:
        return True
    try:
        Fernet(settings.TOKEN_KEYS[0]).decrypt(encrypted.encode())
    except InvalidToken:
        return False
    return True
