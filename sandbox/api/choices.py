"""What there is to choose from: regions, sizes and images."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from sandbox import paging
from sandbox.api import errors
from sandbox.api.gate import Caller, needs
from sandbox.fleet import catalogue, sizes
from sandbox.fleet import regions as all_regions
from sandbox.numbers import whole

YES_OR_NO = {"true": True, "false": False}


@needs("regions:read")
def regions(request: web.Request, caller: Caller) -> web.Response:
    """GET /v2/regions. A region's sizes need a scope of their own."""

    def described(slug: str) -> dict[str, Any]:
        return all_regions.describe(slug, sizes.offered_in(slug) if caller.may("sizes:read") else [])

    return paging.answer(request, "regions", all_regions.SLUGS, described)


@needs("sizes:read", "regions:read")
def every_size(request: web.Request, caller: Caller) -> web.Response:
    """GET /v2/sizes, those that cannot be had among them."""
    return paging.answer(request, "sizes", list(sizes.BY_SLUG.values()), sizes.describe)


@needs("image:read")
def images(request: web.Request, caller: Caller) -> web.Response:
    """GET /v2/images. `type` is not the image's own type: it tells distributions from applications."""
    asked = request.query
    kind, private, tag = asked.get("type"), asked.get("private", "false"), asked.get("tag_name")
    if kind not in (None, "application", "distribution"):
        raise errors.unprocessable("type must be one of application, distribution.")
    if private not in YES_OR_NO:
        raise errors.unprocessable("private must be true or false.")
    if tag is not None:
        caller.must("tag:read")
    holdings = caller.fleet.holdings
    found = catalogue.listed(holdings) if kind is None else catalogue.public(application=kind == "application")
    if YES_OR_NO[private]:
        found = [each for each in found if not each["public"]]
    if tag is not None:
        found = [each for each in found if tag.lower() in map(str.lower, each["tags"])]
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
