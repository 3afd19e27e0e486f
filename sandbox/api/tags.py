"""Tags: create one, tag droplets with it, untag them. Other resources cannot be tagged."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web

from sandbox import errors
from sandbox.api.authorization import Caller, requires
from sandbox.fleet.droplets import Droplet
from sandbox.fleet.fields import list_field
from sandbox.numbers import parse_number

NAME = re.compile(r"[a-zA-Z0-9_\-:]{1,255}", re.ASCII)


@requires("tag:create")
def create(request: web.Request, caller: Caller) -> web.Response:
    """POST /v2/tags: a tag without resources. One that exists is answered as it is."""
    name = caller.json().get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise errors.unprocessable("Name may contain letters, numbers, colons, dashes, and underscores.")
    found = _known(caller).setdefault(name.lower(), name)
    nothing = {"count": 0}
    resources = {"count": 0, **dict.fromkeys(("droplets", "images", "volumes", "volume_snapshots"), nothing)}
    return web.json_response({"tag": {"name": found, "resources": resources}}, status=201)


@requires("tag:create", "droplet:update")
def add(request: web.Request, caller: Caller) -> web.Response:
    """POST /v2/tags/{tag}/resources."""
    name, droplets = _named(request, caller)
    for droplet in droplets:
        _without(droplet, name)
        droplet["tags"] = [*list_field(droplet, "tags"), name]
    caller.fleet.clear_pages()
    return web.Response(status=204, content_type="application/json")


@requires("tag:delete", "droplet:update")
def remove(request: web.Request, caller: Caller) -> web.Response:
    """DELETE /v2/tags/{tag}/resources, with a body."""
    name, droplets = _named(request, caller)
    for droplet in droplets:
        _without(droplet, name)
    caller.fleet.clear_pages()
    return web.Response(status=204, content_type="application/json")


def _named(request: web.Request, caller: Caller) -> tuple[str, list[Droplet]]:
    """The tag and the droplets of a request. Raises ApiError (404) where one of them does not exist."""
    name = _known(caller).get(request.match_info["tag"].lower())
    resources: Any = caller.json().get("resources")
    if not isinstance(resources, list) or not all(
        isinstance(each, dict) and each.get("resource_type") == "droplet" for each in resources
    ):
        raise errors.unprocessable("resources must be droplets.")
    ids = [parse_number(str(each.get("resource_id"))) for each in resources]
    droplets = [droplet for each in ids if each is not None and (droplet := caller.fleet.find(each))]
    if name is None or len(droplets) != len(ids):
        raise errors.not_found()
    return name, droplets


def _known(caller: Caller) -> dict[str, str]:
    """The team's tags, as they were first written, by their lower case."""
    tags = caller.fleet.resources.tags
    for droplet in caller.fleet.all():
        for tag in list_field(droplet, "tags"):
            tags.setdefault(str(tag).lower(), str(tag))
    return tags


def _without(droplet: Droplet, name: str) -> None:
    droplet["tags"] = [tag for tag in list_field(droplet, "tags") if str(tag).lower() != name.lower()]
