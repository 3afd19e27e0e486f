"""A team's droplets as the API lists them: filtered, in pages, without the fields that a token may not see."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from sandbox.clock import Clock
from sandbox.fleet import backups, droplet_resources, droplets
from sandbox.fleet.droplets import Droplet
from sandbox.fleet.team_resources import TeamResources
from sandbox.paging import Page, links
from sandbox.people import Team

MAX_CACHED_BYTES = 64_000_000  # of each fleet's cached pages: enough for 20,000 droplets with one query


@dataclass(frozen=True, slots=True)
class Visibility:
    """Which fields of a droplet a token may see in addition to those of `droplet:read`."""

    images: bool
    tags: bool
    volumes: bool
    vpcs: bool
    sizes: bool


@dataclass(frozen=True, slots=True)
class Query:
    """The query of a list request. `kind` is droplets or gpus; an empty `tag` or `name` is no filter."""

    page: int
    per_page: int
    kind: str
    tag: str
    name: str
    link_parameters: tuple[tuple[str, str], ...]  # the request's query without the page, for the links


@dataclass
class Fleet:
    """The droplets and other resources of one team. Call `clear_pages()` after every change of a droplet."""

    ordinary: list[Droplet]
    gpus: list[Droplet]
    made: int  # how many ordinary ones were ever generated, so that an added one is new
    resources: TeamResources
    pages: OrderedDict[object, bytes] = field(default_factory=OrderedDict)
    pages_size: int = 0

    def clear_pages(self) -> None:
        """Delete the cached pages."""
        self.pages.clear()
        self.pages_size = 0

    def all(self) -> Iterator[Droplet]:
        """Ordinary and GPU droplets."""
        return chain(self.ordinary, self.gpus)

    def find(self, droplet_id: int) -> Droplet | None:
        """The droplet with this id, ordinary or GPU."""
        return next((each for each in self.all() if each.get("id") == droplet_id), None)

    def page(self, query: Query, visibility: Visibility, base_url: str) -> bytes:
        """The body of a `GET /v2/droplets` response. `base_url` is the list's own URL, for the links."""
        key = (query, visibility, base_url)
        body = self.pages.get(key)
        if body is None:
            body = json.dumps(self._answer(query, visibility, base_url)).encode()
            self.pages[key] = body
            self.pages_size += len(body)
            while self.pages_size > MAX_CACHED_BYTES:
                self.pages_size -= len(self.pages.popitem(last=False)[1])
        return body

    def _answer(self, query: Query, visibility: Visibility, base_url: str) -> dict[str, Any]:
        found = [each for each in (self.gpus if query.kind == "gpus" else self.ordinary) if _matches(each, query)]
        start = (query.page - 1) * query.per_page
        return {
            "droplets": [visible_fields(each, visibility) for each in found[start : start + query.per_page]],
            "links": links(Page(query.page, query.per_page), len(found), base_url, query.link_parameters),
            "meta": {"total": len(found)},
        }


class Fleets:
    """The fleets of all teams. Each is generated when it is first needed."""

    def __init__(self, seed: int, count: int, clock: Clock) -> None:
        """Each team gets `count` ordinary droplets."""
        self._seed = seed
        self._count = count
        self._clock = clock
        self._fleets: dict[str, Fleet] = {}
        self._empty = Fleet([], [], 0, TeamResources(seed, None))

    def for_team(self, team: Team | None) -> Fleet:
        """The fleet of a team; an empty one for a token without a team."""
        if team is None:
            return self._empty
        if team.uuid not in self._fleets:
            self.recreate(team, self._count)
        fleet = self._fleets[team.uuid]
        if fleet.resources.schedules_due <= (now := self._clock.now()) and backups.run_due(
            fleet.resources, fleet.all(), now
        ):
            fleet.clear_pages()
        return fleet

    def counts(self, team: Team) -> tuple[int, int]:
        """How many ordinary and GPU droplets a team has. Does not generate them."""
        fleet = self._fleets.get(team.uuid)
        if fleet is None:
            return self._count, droplets.gpu_count(team, self._count)
        return len(fleet.ordinary), len(fleet.gpus)

    def recreate(self, team: Team, count: int) -> None:
        """Generate the team's fleet again, with `count` ordinary droplets."""
        ordinary = droplets.fleet(self._seed, team, count)
        gpus = droplets.gpu_fleet(self._seed, team, count)
        fleet = self._fleets[team.uuid] = Fleet(ordinary, gpus, count, TeamResources(self._seed, team))
        for droplet in fleet.all():
            self._add_resources(fleet, droplet)
        droplet_resources.add_team_resources(fleet.resources, ordinary)

    def add(self, team: Team, count: int) -> None:
        """Append `count` newer droplets."""
        fleet = self.for_team(team)
        for _ in range(count):
            fleet.ordinary.append(droplets.another(self._seed, team, fleet.made))
            fleet.made += 1
            self._add_resources(fleet, fleet.ordinary[-1])
        fleet.clear_pages()

    def _add_resources(self, fleet: Fleet, droplet: Droplet) -> None:
        droplet_resources.add(fleet.resources, droplet)
        backups.add_from_droplet(fleet.resources, droplet, self._clock.now())


def visible_fields(droplet: Droplet, visibility: Visibility) -> Droplet:
    """The droplet with null or empty values in the fields that the token may not see."""
    if visibility == Visibility(True, True, True, True, True):
        return droplet
    seen = dict(droplet)
    blanked: list[tuple[bool, dict[str, Callable[[], Any]]]] = [
        (visibility.images, {"image": lambda: None, "backup_ids": list, "snapshot_ids": list}),
        (visibility.tags, {"tags": list}),
        (visibility.volumes, {"volume_ids": list}),
        (visibility.vpcs, {"vpc_uuid": lambda: None}),
    ]
    for allowed, fields in blanked:
        if not allowed:
            seen.update({name: blank() for name, blank in fields.items() if name in seen})
    if not visibility.sizes and isinstance(seen.get("region"), dict):
        seen["region"] = {**seen["region"], "sizes": []}
    return seen


def _matches(droplet: Droplet, query: Query) -> bool:
    if query.tag:
        tags = droplet.get("tags")
        return isinstance(tags, list) and query.tag.lower() in [str(tag).lower() for tag in tags]
    return not query.name or str(droplet.get("name")).lower() == query.name.lower()
