"""The endpoints that act on a droplet, and those that tell what was done to it and what it can become.

Each raises a `DigitalOceanError`; safe in any thread. What acts is sent once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from droplets import api
from droplets.actions.schema import Action, Image, Ordered, Size
from droplets.decoding import Items, Listed, everything, listed, single

PER_PAGE = 25
"""Actions of a page."""


def order(token: str, droplet: int, type_: str, parameters: Mapping[str, object], *, until: float) -> Ordered:
    """Ask for an action: what comes back is under way, and promises nothing."""
    answer = api.post(token, f"/droplets/{droplet}/actions", {**parameters, "type": type_}, until=until)
    ordered = single(answer, "action", Action)
    if ordered.type != type_ or ordered.started_at is None:
        raise answer.unexpected("another action than was asked for")
    return Ordered(ordered, answer.request_id)


def actions_since(token: str, droplet: int, since: datetime, *, until: float) -> tuple[Action, ...]:
    """All that was done to a droplet since then, and maybe some before, the latest first."""
    found: list[Action] = []
    page = 0
    while True:
        page += 1
        some = actions(token, droplet, page=page, until=until)
        found += some.items
        oldest = min((each.started_at for each in some.items if each.started_at), default=since)
        if not some.length or oldest < since or page * PER_PAGE >= some.total:
            return tuple(found)


def destroy(token: str, droplet: int, *, until: float) -> str:
    """Destroy the droplet alone: at once, and for good. Returns DigitalOcean's request id."""
    return api.delete(token, f"/droplets/{droplet}", until=until).request_id


def action(token: str, droplet: int, action: int, *, until: float) -> Action:
    return single(api.get(token, f"/droplets/{droplet}/actions/{action}", until=until), "action", Action)


def actions(token: str, droplet: int, *, page: int = 1, until: float) -> Listed[Action]:
    """Page `page`, from 1, of what was done to a droplet, the latest first."""
    params = {"page": page, "per_page": PER_PAGE}
    return listed(api.get(token, f"/droplets/{droplet}/actions", params=params, until=until), "actions", Action)


def sizes(token: str, droplet: int, *, until: float) -> Items[Size]:
    """All that there are, whether a droplet can have them or not."""
    return everything(token, "/sizes", "sizes", Size, until=until)


def distributions(token: str, droplet: int, *, until: float) -> Items[Image]:
    return everything(token, "/images", "images", Image, params={"type": "distribution"}, until=until)


def own_images(token: str, droplet: int, *, until: float) -> Items[Image]:
    """The team's snapshots, backups and custom images."""
    return everything(token, "/images", "images", Image, params={"private": "true"}, until=until)
