"""Pages of a list: which one was asked for, what is on it, and the links to the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from aiohttp import web

from sandbox.api import errors
from sandbox.numbers import whole

PER_PAGE_DEFAULT, PER_PAGE_MOST = 20, 200

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page:
    """Page `number`, counted from one, of pages of `size` items."""

    number: int
    size: int

    def of(self, items: Sequence[Item]) -> Sequence[Item]:
        """What of a list is on this page."""
        start = (self.number - 1) * self.size
        return items[start : start + self.size]


def asked(query: Mapping[str, str]) -> Page:
    """The page that a query asks for. Raises ApiError (422) for a page or a size out of bounds."""
    return Page(
        number=_number(query.get("page"), "page", 1, None),
        size=_number(query.get("per_page"), "per_page", PER_PAGE_DEFAULT, PER_PAGE_MOST),
    )


def answer(
    request: web.Request, name: str, items: Sequence[Item], shown: Callable[[Item], Any] | None = None
) -> web.Response:
    """The page that the request asks for of `items`, under the key `name`; `shown` turns an item into JSON."""
    page = asked(request.query)
    found = [item if shown is None else shown(item) for item in page.of(items)]
    return web.json_response({name: found, **ends(request, page, len(items))})


def ends(request: web.Request, page: Page, total: int) -> dict[str, Any]:
    """What follows the items of a list: `links` and `meta`."""
    given = [(name, value) for name, value in request.query.items() if name != "page"]
    base_url = f"http://{request.host}{request.path.rstrip('/')}"
    return {"links": links(page, total, base_url, given), "meta": {"total": total}}


def links(page: Page, total: int, base_url: str, given: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Links from a page to the others; `given` is the query as it came, less the page. A single page has none."""
    last = max(1, -(-total // page.size))
    if last == 1 and page.number == 1:
        return {}
    wanted: dict[str, int] = {}
    if page.number > 1:
        wanted |= {"first": 1, "prev": min(page.number - 1, last)}
    if page.number < last:
        wanted |= {"next": page.number + 1, "last": last}
    return {"pages": {rel: f"{base_url}?{urlencode([('page', number), *given])}" for rel, number in wanted.items()}}


def _number(text: str | None, name: str, default: int, most: int | None) -> int:
    if text is None:
        return default
    number = whole(text)
    if number is None or number < 1 or (most is not None and number > most):
        bounds = "1 or more" if most is None else f"1 to {most}"
        raise errors.unprocessable(f"{name} must be a number, {bounds}.")
    return number
