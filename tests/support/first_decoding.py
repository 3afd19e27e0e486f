"""Many threads are the first to decode a type, again and again: `python -m tests.support.first_decoding strictly`.

A process of its own, because msgspec 0.22.0 ends the process where two threads look at a type at the same moment.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import GenericAlias
from typing import Any

import msgspec

from common.cache import decoded
from digitalocean_client.decoding import convert_item, decode_strictly

THREADS, TYPES = 12, 100


def a_type(depth: int) -> Any:
    fields: list[Any] = [(f"field_{number}", int | None, None) for number in range(30)]
    if depth:
        fields += [(f"inner_{number}", a_type(depth - 1) | None, None) for number in range(2)]
    return msgspec.defstruct("Nested", fields)


def _list_of(kind: Any) -> Any:
    return GenericAlias(list, kind)


VALUE = [{"field_1": 1, "inner_0": {"inner_1": {"inner_0": {"field_3": 4}}}}]
WAYS: dict[str, Callable[[Any], object]] = {
    "strictly": lambda kind: decode_strictly(msgspec.json.encode(VALUE), _list_of(kind)),
    "converted": lambda kind: convert_item(VALUE[0], kind),
    "cache": lambda kind: decoded(msgspec.msgpack.encode(VALUE), _list_of(kind), "A value"),
}


def main(way: str) -> None:
    sys.setswitchinterval(1e-6)
    for _ in range(TYPES):
        kind, start = a_type(3), threading.Barrier(THREADS)

        def decode(kind: Any = kind, start: threading.Barrier = start) -> None:
            start.wait()
            WAYS[way](kind)

        threads = [threading.Thread(target=decode) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    main(*sys.argv[1:])
