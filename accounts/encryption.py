"""Sealing: how tokens lie at rest. The only file that knows the encryption.

A sealed text carries the field and the owner (a SocialAccount's uid) that it was sealed for, and opens for those
alone: copied to another row or column it is worthless. Keys rotate: the first of TOKEN_KEYS seals, all of them open.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import msgspec
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

Field = Literal["token", "token_secret"]


class CannotDecrypt(Exception):
    """No key opens this text, or it was sealed for another field or owner."""


@lru_cache(maxsize=4)
def _keys(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def encrypt(text: str, *, field: Field, uid: str) -> str:
    """`text` sealed for this field of this owner; the empty text stays empty, for it means that there is none."""
    if not text:
        return ""
    return _keys(tuple(settings.TOKEN_KEYS)).encrypt(msgspec.json.encode((field, uid, text))).decode()


def decrypt(sealed: str, *, field: Field, uid: str) -> str:
    """The text again. Raises `CannotOpen`."""
    if not sealed:
        return ""
    try:
        opened = _keys(tuple(settings.TOKEN_KEYS)).decrypt(sealed.encode())
        sealed_field, sealed_uid, text = msgspec.json.decode(opened, type=tuple[str, str, str])
    except (InvalidToken, msgspec.MsgspecError, UnicodeError):
        raise CannotDecrypt("no key opens it") from None
    if (sealed_field, sealed_uid) != (field, uid):
        raise CannotDecrypt("it was sealed for another field or owner")
    return text


def is_current(sealed: str) -> bool:
    """Whether the first key is the one that sealed this (nothing at all counts as current)."""
    if not sealed:
        return True
    try:
        Fernet(settings.TOKEN_KEYS[0]).decrypt(sealed.encode())
    except InvalidToken:
        return False
    return True
