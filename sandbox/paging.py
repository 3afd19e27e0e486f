"""Pages of a list: which one was requested, its items, and links to the other pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from aiohttp import web

from sandbox import errors
from sandbox.numbers import parse_number

PER_PAGE_DEFAULT, PER_PAGE_MOST = 20, 200

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page:
    """Page `number`, counted from one, of pages with `size` items."""

    number: int
    size: int

    def items(self, items: Sequence[Item]) -> Sequence[Item]:
        """The items of a list that are on this page."""
        start = (self.number - 1) * self.size
        return items[start : start + self.size]


def requested_page(query: Mapping[str, str]) -> Page:
    """The page that a query asks for. Raises ApiError (422) for an invalid page or size."""
    return Page(
        number=_number(query.get("page"), "page", 1, None),
        size=_number(query.get("per_page"), "per_page", PER_PAGE_DEFAULT, PER_PAGE_MOST),
    )


def list_response(
    request: web.Request, name: str, items: Sequence[Item], to_json: Callable[[Item], Any] | None = None
) -> web.Response:
    """The requested page of `items`, under the key `name`; `to_json` turns an item into JSON."""
    page = requested_page(request.query)
    found = [item if to_json is None else to_json(item) for item in page.items(items)]
    return web.json_response({name: found, **links_and_meta(request, page, len(items))})


def links_and_meta(request: web.Request, page: Page, total: int) -> dict[str, Any]:
    """The keys `links` and `meta` of a list response."""
    query = [(name, value) for name, value in request.query.items() if name != "page"]
    base_url = f"http://{request.host}{request.path.rstrip('/')}"
    return {"links": links(page, total, base_url, query), "meta": {"total": total}}


def links(page: Page, total: int, base_url: str, query: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Links to the other pages; `query` is the request's query without the page. A single page has no links."""
    last = max(1, -(-total // page.size))
    if last == 1 and page.number == 1:
        return {}
    numbers: dict[str, int] = {}
    if page.number > 1:
        numbers |= {"first": 1, "prev": min(page.number - 1, last)}
    if page.number < last:
        numbers |= {"next": page.number + 1, "last": last}
    return {"pages": {rel: f"{base_url}?{urlencode([('page', number), *query])}" for rel, number in numbers.items()}}


def _number(text: str | None, name: str, default: int, most: int | None) -> int:
    if text is None:
        return default
    number = parse_number(text)
    if number is None or number < 1 or (most is not None and number > most):
        bounds = "1 or more" if most is None else f"1 to {most}"
        raise errors.unprocessable(f"{name} must be a number, {bounds}.")
    return number
