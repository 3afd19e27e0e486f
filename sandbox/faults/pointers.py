"""JSON pointers (RFC 6901): set or remove one place in a document."""

from __future__ import annotations

from typing import Any


def put(document: Any, pointer: str, value: Any) -> Any:
    """The document with `value` at `pointer`. A new key of an object is made, and "-" appends to an array.

    Raises LookupError when there is no such place.
    """
    if pointer == "":
        return value
    holder, last = _holder(document, pointer)
    if isinstance(holder, dict):
        holder[last] = value
    elif last == "-":
        holder.append(value)
    else:
        holder[_index(holder, last, pointer)] = value
    return document


def remove(document: Any, pointer: str) -> Any:
    """The document without what is at `pointer`. Raises LookupError when there is nothing."""
    holder, last = _holder(document, pointer)
    if isinstance(holder, list):
        del holder[_index(holder, last, pointer)]
    elif last in holder:
        del holder[last]
    else:
        raise LookupError(f"there is no {pointer} in the answer")
    return document


def _holder(document: Any, pointer: str) -> tuple[Any, str]:
    if not pointer.startswith("/"):
        raise LookupError(f"{pointer!r} is no JSON pointer: it must start with a slash")
    *way, last = [part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/")]
    place = document
    for part in way:
        if isinstance(place, list):
            place = place[_index(place, part, pointer)]
        elif isinstance(place, dict) and part in place:
            place = place[part]
        else:
            raise LookupError(f"there is no {pointer} in the answer")
    if not isinstance(place, (dict, list)):
        raise LookupError(f"there is no {pointer} in the answer")
    return place, last


def _index(array: list[Any], part: str, pointer: str) -> int:
    if not part.isdigit() or int(part) >= len(array):
        raise LookupError(f"there is no {pointer} in the answer")
    return int(part)
