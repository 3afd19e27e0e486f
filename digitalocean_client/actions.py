"""The endpoints that act on a droplet, list its actions, and list the sizes and images that it can get.

Each raises a `DigitalOceanError` and is safe in any thread. A request that acts is sent once.
Shapes: https://docs.digitalocean.com/reference/api/ (Droplet Actions, Sizes, Images).
"""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from digitalocean_client import api
from digitalocean_client.decoding import single_object
from digitalocean_client.lists import AllItems, ListPage, all_items, list_page
from digitalocean_client.schema import Amount, Count, Gpu, Id, Moment, in_utc

PER_PAGE = 25
"""Actions per page."""

_MOST_PAGES = 25


class DropletAction(msgspec.Struct):
    """`status` is in-progress, completed or errored. DigitalOcean gives no progress and no error text.

    `type` is an action's slug, also of actions that Conveyor does not offer ("create").
    """

    id: Id
    status: str | None = None
    type: str | None = None
    started_at: Moment | None = None
    completed_at: Moment | None = None

    def __post_init__(self) -> None:
        self.started_at, self.completed_at = in_utc(self.started_at), in_utc(self.completed_at)


class TeamAction(DropletAction):
    """An action of the list of the whole team. `resource_type` is "droplet" for those on droplets."""

    resource_id: Id | None = None
    resource_type: str | None = None


class StartedAction(msgspec.Struct, frozen=True):
    """An action that DigitalOcean has accepted. `request_id` is DigitalOcean's, for its support."""

    action: DropletAction
    request_id: str


class Size(msgspec.Struct):
    """`memory` in MB, `disk` in GB, the price in US dollars. `regions` are slugs."""

    slug: str
    available: bool | None = None
    regions: list[str] | None = None
    vcpus: Count | None = None
    memory: Count | None = None
    disk: Count | None = None
    price_monthly: Amount | None = None
    description: str | None = None
    gpu_info: Gpu | None = None


class Image(msgspec.Struct):
    """`type` is base, snapshot, backup, custom or admin; public ones may say snapshot too. `min_disk_size` in GB."""

    id: Id
    name: str | None = None
    type: str | None = None
    distribution: str | None = None
    slug: str | None = None
    public: bool | None = None
    regions: list[str] | None = None
    created_at: Moment | None = None
    min_disk_size: Count | None = None
    status: str | None = None


def start(token: str, droplet: int, type_: str, parameters: Mapping[str, object], *, deadline: float) -> StartedAction:
    """Start an action. It is in progress when this returns, and may still fail."""
    answer = api.post(token, f"/droplets/{droplet}/actions", {**parameters, "type": type_}, deadline=deadline)
    started = single_object(answer, "action", DropletAction)
    if started.type != type_ or started.started_at is None:
        raise answer.unexpected("another action than was asked for")
    return StartedAction(started, answer.request_id)


def destroy(token: str, droplet: int, *, deadline: float) -> str:
    """Destroy the droplet alone, at once and for good. Returns DigitalOcean's request id."""
    return api.delete(token, f"/droplets/{droplet}", deadline=deadline).request_id


def action(token: str, droplet: int, action: int, *, deadline: float) -> DropletAction:
    """One action of a droplet."""
    answer = api.get(token, f"/droplets/{droplet}/actions/{action}", deadline=deadline)
    return single_object(answer, "action", DropletAction)


def actions(token: str, droplet: int, *, page: int = 1, deadline: float) -> ListPage[DropletAction]:
    """Page `page`, from 1, of a droplet's actions, the latest first."""
    params = {"page": page, "per_page": PER_PAGE}
    answer = api.get(token, f"/droplets/{droplet}/actions", params=params, deadline=deadline)
    return list_page(answer, "actions", DropletAction)


def team_actions(token: str, page: int, deadline: float) -> ListPage[TeamAction]:
    """Page `page`, from 1, of the actions on all resources of the team, the latest first. Needs actions:read.

    https://docs.digitalocean.com/reference/api/digitalocean/#tag/Actions/operation/actions_list: it does not tell who
    started an action.
    """
    answer = api.get(token, "/actions", params={"page": page, "per_page": api.PER_PAGE}, deadline=deadline)
    return list_page(answer, "actions", TeamAction)


def actions_since(token: str, droplet: int, since: datetime, *, deadline: float) -> tuple[DropletAction, ...]:
    """All actions of a droplet since that moment, and maybe some earlier ones, the latest first."""
    found: list[DropletAction] = []
    for number in range(1, _MOST_PAGES + 1):
        page = actions(token, droplet, page=number, deadline=deadline)
        found += page.items
        oldest = min((each.started_at for each in page.items if each.started_at), default=since)
        if not page.length or oldest < since or number * PER_PAGE >= page.total:
            break
    return tuple(found)


def sizes(token: str, droplet: int, *, deadline: float) -> AllItems[Size]:
    """All sizes, whether the droplet can have them or not."""
    return all_items(token, "/sizes", "sizes", Size, deadline=deadline)


def distributions(token: str, droplet: int, *, deadline: float) -> AllItems[Image]:
    """DigitalOcean's own images of Linux distributions."""
    return all_items(token, "/images", "images", Image, params={"type": "distribution"}, deadline=deadline)


def own_images(token: str, droplet: int, *, deadline: float) -> AllItems[Image]:
    """The team's snapshots, backups and custom images."""
    return all_items(token, "/images", "images", Image, params={"private": "true"}, deadline=deadline)
