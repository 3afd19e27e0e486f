"""Reading what DigitalOcean answers, leniently: an odd item costs itself, an odd frame is an `UnexpectedAnswer`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from digitalocean_client import droplets as droplets_api
from digitalocean_client.http import Answer
from digitalocean_client.schema import UNREADABLE, printable, text_hook

T = TypeVar("T")

log = logging.getLogger(__name__)

_MOST_PAGES = 25


@dataclass(frozen=True)
class Items(Generic[T]):
    """What a list came to: the items that made sense, and how many did not, or were too many to be asked for."""

    items: tuple[T, ...] = ()
    missing: int = 0


def single_object(answer: Answer, key: str, kind: type[T]) -> T:
    """The object under `key`. Raises `UnexpectedAnswer` where it is not there or makes no sense."""
    frame = answer.decode(dict[str, msgspec.Raw])
    if key not in frame:
        raise answer.unexpected(f"no {key}")
    try:
        return msgspec.json.decode(printable(frame[key]), type=kind, dec_hook=text_hook)
    except UNREADABLE as error:
        raise answer.unexpected(str(error)[:200]) from None


@dataclass(frozen=True)
class ListPage(Generic[T]):
    """A page of a list: the items that made sense, how many did not, and how many the whole list has."""

    items: tuple[T, ...]
    unreadable: int
    total: int

    @property
    def length(self) -> int:
        return len(self.items) + self.unreadable


def list_page(answer: Answer, key: str, kind: type[T]) -> ListPage[T]:
    """The page of the list under `key`. Raises `UnexpectedAnswer` where the frame is not there."""
    frame = answer.decode(dict[str, msgspec.Raw])
    raw = _decoded(frame.get(key), list[msgspec.Raw], answer)
    total = _decoded(frame["meta"], _Meta, answer).total if "meta" in frame else len(raw)
    found: list[T] = []
    for each in raw:
        try:
            found.append(msgspec.json.decode(printable(each), type=kind, dec_hook=text_hook))
        except UNREADABLE as error:
            # msgspec's messages name types and places, never a value.
            log.warning("One of %s cannot be read: %s", key, error)
    return ListPage(tuple(found), len(raw) - len(found), total)


def all_items(
    token: str,
    path: str,
    key: str,
    kind: type[T],
    *,
    deadline: float,
    params: Mapping[str, str | int] | None = None,
    where: Callable[[T], bool] = lambda _: True,
) -> Items[T]:
    """All items of a list, page after page, that are as `where` wants them. Raises a `DigitalOceanError`.

    `params` go along with each page's.
    """
    found: list[T] = []
    read = unreadable = 0
    for page in range(1, _MOST_PAGES + 1):
        paging = {"page": page, "per_page": droplets_api.PER_PAGE}
        some = list_page(
            droplets_api.get(token, path, params={**(params or {}), **paging}, deadline=deadline), key, kind
        )
        found += some.items
        read += some.length
        unreadable += some.unreadable
        if not some.length or read >= some.total:
            return Items(tuple(filter(where, found)), unreadable)
    return Items(tuple(filter(where, found)), unreadable + some.total - read)


class _Meta(msgspec.Struct):
    total: int


def _decoded(raw: Any, kind: type[T], answer: Answer) -> T:
    try:
        return msgspec.json.decode(raw if raw is not None else b"", type=kind)
    except msgspec.MsgspecError as error:
        raise answer.unexpected(str(error)[:200]) from None
