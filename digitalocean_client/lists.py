"""Lists and single objects in DigitalOcean's answers.

An item that cannot be read is counted and left out. An answer without the list or object is an `UnexpectedAnswer`.
"""

import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar

import msgspec

from digitalocean_client import api
from digitalocean_client.answers import Allowance, Answer
from digitalocean_client.decoding import UNREADABLE, decode_item, decode_strictly, prepare, single_object
from digitalocean_client.schema import Count

T = TypeVar("T")

log = logging.getLogger(__name__)

_MOST_PAGES = 25


@dataclass(frozen=True)
class ListPage(Generic[T]):
    """A page of a list: the items that could be read, how many could not, and how many the whole list has.

    `allowance` is how many calls the token has left.
    """

    items: list[T]
    unreadable: int
    total: int
    request_id: str = ""
    allowance: Allowance | None = None

    @property
    def length(self) -> int:
        return len(self.items) + self.unreadable


@dataclass(frozen=True)
class AllItems(Generic[T]):
    """All items of a list that could be read. `missing` counts those that could not, or came after the last page."""

    items: tuple[T, ...] = ()
    missing: int = 0


def list_page(answer: Answer, key: str, kind: type[T], *, needs_total: bool = False) -> ListPage[T]:
    """The page of the list under `key`, where null is an empty list. Without `meta` it is the whole list.

    Raises `UnexpectedAnswer` where the key is missing or is not a list, where `meta` has no total, and where
    `needs_total` is true and there is no `meta`.
    """
    frame = decode_strictly(answer.body, _list_frame(key, kind))  # type: ignore[arg-type]  # every type is hashable
    if frame is not None:
        return ListPage(frame.found, 0, frame.meta.total, answer.request_id, answer.allowance)
    # Item by item takes longer, and is only for a page with something unusual on it.
    rows, total = _rows(answer, key)
    if total is None and needs_total:
        raise answer.unexpected("no meta")
    found: list[T] = []
    for row in rows:
        try:
            found.append(decode_item(row, kind))
        except UNREADABLE as error:
            log.warning(
                "One of %s cannot be read: %s", key, error, extra={"digitalocean_request_id": answer.request_id}
            )
    return ListPage(
        found, len(rows) - len(found), len(rows) if total is None else total, answer.request_id, answer.allowance
    )


def all_items(
    token: str, path: str, key: str, kind: type[T], *, deadline: float, params: Mapping[str, str | int] | None = None
) -> AllItems[T]:
    """All items of a list, read page by page. Raises a `DigitalOceanError`.

    `params` are sent with every page's call.
    """
    found: list[T] = []
    read = unreadable = 0
    for number in range(1, _MOST_PAGES + 1):
        paging = {"page": number, "per_page": api.PER_PAGE}
        page = list_page(api.get(token, path, params={**(params or {}), **paging}, deadline=deadline), key, kind)
        found += page.items
        read += page.length
        unreadable += page.unreadable
        if not page.length or read >= page.total:
            return AllItems(tuple(found), unreadable)
    return AllItems(tuple(found), unreadable + page.total - read)


class _Meta(msgspec.Struct):
    total: Count


def _rows(answer: Answer, key: str) -> tuple[list[bytes], int | None]:
    """The JSON of each item, and the total where there is `meta`. Raises `UnexpectedAnswer`."""
    with suppress(*UNREADABLE):
        kind = _list_frame(key, msgspec.Raw)
        prepare(kind)
        frame = msgspec.json.decode(answer.body, type=kind)
        return [bytes(row) for row in frame.found], frame.meta.total
    body = answer.json()
    rows = body.get(key, "missing")
    if not isinstance(rows, list | None):
        raise answer.unexpected(f"no list of {key}")
    total = single_object(answer, "meta", _Meta).total if "meta" in body else None
    return [json.dumps(row).encode() for row in rows or []], total


@cache
def _list_frame(key: str, kind: Any) -> Any:
    return msgspec.defstruct("ListFrame", [("found", list[kind]), ("meta", _Meta)], rename={"found": key})
