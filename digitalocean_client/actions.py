"""The endpoints that act on a droplet, and those that tell what was done to it and what it can become.

Each raises a `DigitalOceanError`; safe in any thread. What acts is sent once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from digitalocean_client import droplets as droplets_api
from digitalocean_client.actions_schema import DropletAction, Image, Ordered, Size
from digitalocean_client.lists import Items, ListPage, all_items, list_page, single_object

PER_PAGE = 25
"""Actions of a page."""


def order(token: str, droplet: int, type_: str, parameters: Mapping[str, object], *, deadline: float) -> Ordered:
    """Ask for an action: what comes back is under way, and promises nothing."""
    answer = droplets_api.post(token, f"/droplets/{droplet}/actions", {**parameters, "type": type_}, deadline=deadline)
    ordered = single_object(answer, "action", DropletAction)
    if ordered.type != type_ or ordered.started_at is None:
        raise answer.unexpected("another action than was asked for")
    return Ordered(ordered, answer.request_id)


def actions_since(token: str, droplet: int, since: datetime, *, deadline: float) -> tuple[DropletAction, ...]:
    """All that was done to a droplet since then, and maybe some before, the latest first."""
    found: list[DropletAction] = []
    page = 0
    while True:
        page += 1
        some = actions(token, droplet, page=page, deadline=deadline)
        found += some.items
        oldest = min((each.started_at for each in some.items if each.started_at), default=since)
        if not some.length or oldest < since or page * PER_PAGE >= some.total:
            return tuple(found)


def destroy(token: str, droplet: int, *, deadline: float) -> str:
    """Destroy the droplet alone: at once, and for good. Returns DigitalOcean's request id."""
    return droplets_api.delete(token, f"/droplets/{droplet}", deadline=deadline).request_id


def action(token: str, droplet: int, action: int, *, deadline: float) -> DropletAction:
    return single_object(
        droplets_api.get(token, f"/droplets/{droplet}/actions/{action}", deadline=deadline), "action", DropletAction
    )


def actions(token: str, droplet: int, *, page: int = 1, deadline: float) -> ListPage[DropletAction]:
    """Page `page`, from 1, of what was done to a droplet, the latest first."""
    params = {"page": page, "per_page": PER_PAGE}
    return list_page(
        droplets_api.get(token, f"/droplets/{droplet}/actions", params=params, deadline=deadline),
        "actions",
        DropletAction,
    )


def sizes(token: str, droplet: int, *, deadline: float) -> Items[Size]:
    """All that there are, whether a droplet can have them or not."""
    return all_items(token, "/sizes", "sizes", Size, deadline=deadline)


def distributions(token: str, droplet: int, *, deadline: float) -> Items[Image]:
    return all_items(token, "/images", "images", Image, params={"type": "distribution"}, deadline=deadline)


def own_images(token: str, droplet: int, *, deadline: float) -> Items[Image]:
    """The team's snapshots, backups and custom images."""
    return all_items(token, "/images", "images", Image, params={"private": "true"}, deadline=deadline)
