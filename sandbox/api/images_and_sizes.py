"""The sizes and images that an action can choose from."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from sandbox import errors, paging
from sandbox.api.authorization import Caller, requires
from sandbox.fleet import image_list, sizes
from sandbox.numbers import parse_number

YES_OR_NO = {"true": True, "false": False}


@requires("sizes:read", "regions:read")
def every_size(request: web.Request, caller: Caller) -> web.Response:
    """GET /v2/sizes, unavailable sizes included."""
    return paging.list_response(request, "sizes", list(sizes.BY_SLUG.values()), sizes.describe)


@requires("image:read")
def images(request: web.Request, caller: Caller) -> web.Response:
    """GET /v2/images. `type` selects distributions or applications; it is not the image's own `type`."""
    query = request.query
    kind, private = query.get("type"), query.get("private", "false")
    if kind not in (None, "application", "distribution"):
        raise errors.unprocessable("type must be one of application, distribution.")
    if private not in YES_OR_NO:
        raise errors.unprocessable("private must be true or false.")
    resources = caller.fleet.resources
    found = (
        image_list.all_images(resources)
        if kind is None
        else image_list.public_images(application=kind == "application")
    )
    if YES_OR_NO[private]:
        found = [each for each in found if not each["public"]]
    return paging.list_response(request, "images", found)


@requires("image:read")
def image(request: web.Request, caller: Caller) -> web.Response:
    """GET /v2/images/{image}, by id, or by slug for a public image."""
    id_or_slug = request.match_info["image"]
    number = parse_number(id_or_slug)
    found: dict[str, Any] | None = image_list.find_image(
        caller.fleet.resources, id_or_slug if number is None else number
    )
    if found is None:
        raise errors.not_found()
    return web.json_response({"image": found})
