"""DigitalOcean's JSON as typed values: strict and fast where it is as documented, field by field where it is not.

With a narrow scope fields come null, empty or not at all, and DigitalOcean adds fields and values as it pleases. So an
optional field that cannot be read is None, an item of a list that cannot be read is left out, and only an object
without its required fields (its id) is refused. Every text is cleaned by `clean_text`.
"""

import logging
import re
from contextlib import suppress
from threading import Lock
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

import msgspec

from digitalocean_client.answers import Answer, loads
from digitalocean_client.text import clean_text

T = TypeVar("T")

log = logging.getLogger(__name__)

UNREADABLE = (msgspec.MsgspecError, ValueError, OverflowError, RecursionError)
"""What decoding may raise: another shape, a number out of range, JSON nested too deeply."""

_prepared: set[Any] = set()
_lock = Lock()

_NEEDS_CLEANING = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069]|\\\\[bfnrtu]")
"""What may need cleaning in JSON text, where control characters are escaped."""


def decode_strictly(body: bytes, kind: type[T]) -> T | None:
    """The body as `kind` in one pass, or None where it is not as documented or has a text that needs cleaning."""
    prepare(kind)
    with suppress(*UNREADABLE):
        if _is_clean(body):
            return msgspec.json.decode(body, type=kind)
    return None


def prepare(kind: Any) -> None:
    """Let msgspec look at a type before threads use it: two that are the first at once can end the process (0.22.0)."""
    if kind not in _prepared:
        with _lock:
            msgspec.json.Decoder(kind)
            _prepared.add(kind)


def decode_item(body: bytes, kind: type[T]) -> T:
    """The body as `kind`, field by field where needed. Raises as `convert_item`."""
    if (found := decode_strictly(body, kind)) is not None:
        return found
    return convert_item(loads(body), kind)


def single_object(answer: Answer, key: str, kind: type[T]) -> T:
    """The object under `key`. Raises `UnexpectedAnswer` where it is missing, or has not all its required fields."""
    value = answer.json().get(key)
    try:
        return convert_item(value, kind)
    except UNREADABLE as error:
        wrong = str(error)[:200]
    raise answer.unexpected(f"{key}: {wrong}")  # out here: an exception keeps the one that is being handled


def convert_item(value: Any, kind: type[T]) -> T:
    """A plain value as `kind`, cleaned. Raises `UNREADABLE` where a required field is missing or cannot be read."""
    value = _cleaned(value)
    prepare(kind)
    try:
        return msgspec.convert(value, kind)
    except UNREADABLE as error:
        found: T = _convert(value, kind)
        # msgspec's messages name types and places, never a value.
        log.warning("Part of a %s cannot be read: %s", kind.__name__, error)
        return found


def _convert(value: Any, kind: Any) -> Any:
    """Field by field. Raises `UNREADABLE`."""
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        inner = next(each for each in get_args(kind) if each is not NoneType)
        return None if value is None else _convert(value, inner)
    if origin is list and isinstance(value, list):
        (inner,) = get_args(kind)
        found = []
        for each in value:
            with suppress(*UNREADABLE):
                found.append(_convert(each, inner))
        return found
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and isinstance(value, dict):
        return kind(**_fields(value, kind))
    return msgspec.convert(value, kind)


def _fields(value: dict[str, Any], kind: type[msgspec.Struct]) -> dict[str, Any]:
    found = {}
    for field in msgspec.structs.fields(kind):
        if field.required and field.encode_name not in value:
            raise ValueError(f"no {field.encode_name}")
        if field.encode_name in value:
            try:
                found[field.name] = _convert(value[field.encode_name], field.type)
            except UNREADABLE:
                if field.required:
                    raise
    return found


def _is_clean(body: bytes) -> bool:
    """Whether no text in the JSON needs cleaning. Nearly all bodies are plain ASCII, which the bytes alone tell."""
    if body.isascii() and b"\\" not in body and b"\x7f" not in body:
        return True
    return not _NEEDS_CLEANING.search(body.decode())


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, list):
        return [_cleaned(each) for each in value]
    if isinstance(value, dict):
        return {key: _cleaned(each) for key, each in value.items()}
    return value
