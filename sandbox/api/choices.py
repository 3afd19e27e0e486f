"""What there is to choose from: sizes and images."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from sandbox import paging
from sandbox.api import errors
from sandbox.api.gate import Caller, needs
from sandbox.fleet import catalogue, sizes
from sandbox.numbers import whole

YES_OR_NO = {"true": True, "false": False}


@needs("sizes:read", "regions:read")
def every_size(request: web.Request, caller: Caller) -> web.Response:
    """GET /v2/sizes, those that cannot be had among them."""
    return paging.answer(request, "sizes", list(sizes.BY_SLUG.values()), sizes.describe)


@needs("image:read")
def images(request: web.Request, caller: Caller) -> web.Response:
    """GET /v2/images. `type` is not the image's own type: it tells distributions from applications."""
    asked = request.query
    kind, private = asked.get("type"), asked.get("private", "false")
    if kind not in (None, "application", "distribution"):
        raise errors.unprocessable("type must be one of application, distribution.")
    if private not in YES_OR_NO:
        raise errors.unprocessable("private must be true or false.")
    holdings = caller.fleet.holdings
    found = catalogue.listed(holdings) if kind is None else catalogue.public(application=kind == "application")
    if YES_OR_NO[private]:
        found = [each for each in found if not each["public"]]
    return paging.answer(request, "images", found)


@needs("image:read")
def image(request: web.Request, caller: Caller) -> web.Response:
    """GET /v2/images/{image}, by id or, a public one, by slug."""
    asked = request.match_info["image"]
    number = whole(asked)
    found: dict[str, Any] | None = catalogue.find(caller.fleet.holdings, asked if number is None else number)
    if found is None:
        raise errors.not_found()
    return web.json_response({"image": found})
