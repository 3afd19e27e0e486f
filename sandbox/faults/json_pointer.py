"""JSON pointers (RFC 6901): set or remove values in a document.

One extension: `*` stands for every item of an array, as in `/droplets/*/tags`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def set_value(document: Any, pointer: str, value: Any) -> Any:
    """Return the document with `value` at `pointer`. A missing key of an object is added; "-" appends to an array.

    Raises LookupError when the path does not exist.
    """
    if pointer == "":
        return value
    for parent, key in _parents(document, pointer):
        if isinstance(parent, dict):
            parent[key] = value
        elif key == "-":
            parent.append(value)
        else:
            for index in _indices(parent, key, pointer):
                parent[index] = value
    return document


def remove_value(document: Any, pointer: str) -> Any:
    """Return the document without the value at `pointer`. Raises LookupError when there is none."""
    for parent, key in _parents(document, pointer):
        if isinstance(parent, list):
            for index in reversed(_indices(parent, key, pointer)):
                del parent[index]
        elif key in parent:
            del parent[key]
        else:
            raise LookupError(f"the response has no {pointer}")
    return document


def _parents(document: Any, pointer: str) -> Iterator[tuple[Any, str]]:
    """The objects and arrays that hold the values at `pointer`, each with the last part of the pointer."""
    if not pointer.startswith("/"):
        raise LookupError(f"{pointer!r} is not a JSON pointer: it must start with a slash")
    *path, last = [part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/")]
    values = [document]
    for part in path:
        values = [child for value in values for child in _children(value, part, pointer)]
    for value in values:
        if not isinstance(value, dict | list):
            raise LookupError(f"the response has no {pointer}")
        yield value, last


def _children(value: Any, part: str, pointer: str) -> list[Any]:
    if isinstance(value, list):
        return [value[index] for index in _indices(value, part, pointer)]
    if isinstance(value, dict) and part in value:
        return [value[part]]
    raise LookupError(f"the response has no {pointer}")


def _indices(array: list[Any], part: str, pointer: str) -> range:
    """The positions in an array that one part of a pointer names."""
    if part == "*":
        return range(len(array))
    if not part.isdigit() or int(part) >= len(array):
        raise LookupError(f"the response has no {pointer}")
    return range(int(part), int(part) + 1)
