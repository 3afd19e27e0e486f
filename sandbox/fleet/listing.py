"""A team's droplets as the API lists them: filtered, paged, shown as far as a token's scopes reach, encoded once."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from sandbox.clock import Clock
from sandbox.fleet import backups, belongings, droplets
from sandbox.fleet.droplets import Droplet
from sandbox.fleet.holdings import Holdings
from sandbox.paging import Page, links
from sandbox.people import Team

BYTES_KEPT = 64_000_000  # of encoded pages, for each fleet: enough for 20,000 droplets in one way of asking


@dataclass(frozen=True, slots=True)
class Sight:
    """Which parts of a droplet a token may see beyond `droplet:read`."""

    images: bool
    tags: bool
    volumes: bool
    vpcs: bool
    sizes: bool


@dataclass(frozen=True, slots=True)
class Query:
    """What was asked of the list. `kind` is droplets or gpus; an empty `tag` or `name` is no filter."""

    page: int
    per_page: int
    kind: str
    tag: str
    name: str
    given: tuple[tuple[str, str], ...]  # the query as it came, less the page, for the links


@dataclass
class Fleet:
    """The droplets of one team. `change()` after touching a list, so that no stale page is served."""

    ordinary: list[Droplet]
    gpus: list[Droplet]
    made: int  # how many ordinary ones were ever made, so that an added one is always a new one
    holdings: Holdings
    pages: OrderedDict[object, bytes] = field(default_factory=OrderedDict)
    pages_size: int = 0

    def change(self) -> None:
        """Forget the encoded pages."""
        self.pages.clear()
        self.pages_size = 0

    def all(self) -> Iterator[Droplet]:
        """The droplets of either kind."""
        return chain(self.ordinary, self.gpus)

    def find(self, droplet_id: int) -> Droplet | None:
        """The droplet with this id, of either kind."""
        return next((each for each in self.all() if each.get("id") == droplet_id), None)

    def page(self, query: Query, sight: Sight, base_url: str) -> bytes:
        """The encoded answer to `GET /v2/droplets`; `base_url` is the listing's own address, for the links."""
        key = (query, sight, base_url)
        body = self.pages.get(key)
        if body is None:
            body = json.dumps(self._answer(query, sight, base_url)).encode()
            self.pages[key] = body
            self.pages_size += len(body)
            while self.pages_size > BYTES_KEPT:
                self.pages_size -= len(self.pages.popitem(last=False)[1])
        return body

    def _answer(self, query: Query, sight: Sight, base_url: str) -> dict[str, Any]:
        found = [each for each in (self.gpus if query.kind == "gpus" else self.ordinary) if _fits(each, query)]
        start = (query.page - 1) * query.per_page
        return {
            "droplets": [shown(each, sight) for each in found[start : start + query.per_page]],
            "links": links(Page(query.page, query.per_page), len(found), base_url, query.given),
            "meta": {"total": len(found)},
        }


class Fleets:
    """The fleets of all teams, each made when it is first asked for."""

    def __init__(self, seed: int, count: int, clock: Clock) -> None:
        """`count` ordinary droplets for each team."""
        self._seed = seed
        self._count = count
        self._clock = clock
        self._fleets: dict[str, Fleet] = {}
        self._nobodys = Fleet([], [], 0, Holdings(seed, None))

    def of(self, team: Team | None) -> Fleet:
        """The fleet of a team; outside of every team there is nothing."""
        if team is None:
            return self._nobodys
        if team.uuid not in self._fleets:
            self.resize(team, self._count)
        fleet = self._fleets[team.uuid]
        if fleet.holdings.schedules_due <= (now := self._clock.now()) and backups.roll(
            fleet.holdings, fleet.all(), now
        ):
            fleet.change()
        return fleet

    def counts(self, team: Team) -> tuple[int, int]:
        """How many ordinary and GPU droplets a team has, without making them for the asking."""
        fleet = self._fleets.get(team.uuid)
        if fleet is None:
            return self._count, droplets.gpu_count(team, self._count)
        return len(fleet.ordinary), len(fleet.gpus)

    def resize(self, team: Team, count: int) -> None:
        """Make the team's fleet afresh, of `count` ordinary droplets."""
        ordinary = droplets.fleet(self._seed, team, count)
        gpus = droplets.gpu_fleet(self._seed, team, count)
        fleet = self._fleets[team.uuid] = Fleet(ordinary, gpus, count, Holdings(self._seed, team))
        for droplet in fleet.all():
            self._take_in(fleet, droplet)
        belongings.furnish(fleet.holdings, ordinary)

    def add(self, team: Team, count: int) -> None:
        """Add `count` newer droplets at the end."""
        fleet = self.of(team)
        for _ in range(count):
            fleet.ordinary.append(droplets.another(self._seed, team, fleet.made))
            fleet.made += 1
            self._take_in(fleet, fleet.ordinary[-1])
        fleet.change()

    def _take_in(self, fleet: Fleet, droplet: Droplet) -> None:
        belongings.take_in(fleet.holdings, droplet)
        backups.take_in(fleet.holdings, droplet, self._clock.now())


def shown(droplet: Droplet, sight: Sight) -> Droplet:
    """The droplet less what the token's scopes do not reach: null or empty, as the API reference leaves open."""
    if sight == Sight(True, True, True, True, True):
        return droplet
    seen = dict(droplet)
    blanked: list[tuple[bool, dict[str, Callable[[], Any]]]] = [
        (sight.images, {"image": lambda: None, "backup_ids": list, "snapshot_ids": list}),
        (sight.tags, {"tags": list}),
        (sight.volumes, {"volume_ids": list}),
        (sight.vpcs, {"vpc_uuid": lambda: None}),
    ]
    for allowed, fields in blanked:
        if not allowed:
            seen.update({name: blank() for name, blank in fields.items() if name in seen})
    if not sight.sizes and isinstance(seen.get("region"), dict):
        seen["region"] = {**seen["region"], "sizes": []}
    return seen


def _fits(droplet: Droplet, query: Query) -> bool:
    if query.tag:
        tags = droplet.get("tags")
        return isinstance(tags, list) and query.tag.lower() in [str(tag).lower() for tag in tags]
    return not query.name or str(droplet.get("name")).lower() == query.name.lower()
