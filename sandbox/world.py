"""Everything one running sandbox knows, in one object that the handlers share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aiohttp import web

from sandbox import people
from sandbox.actions.action_log import Book
from sandbox.clock import Clock
from sandbox.faults.counters import Counters
from sandbox.faults.limits import Limits
from sandbox.faults.log import RequestLog
from sandbox.faults.rules import Faults
from sandbox.fleet.listing import Fleets
from sandbox.oauth import clients
from sandbox.options import DEFAULT_DROPLETS, DEFAULT_SEED, DEFAULT_TEAMS, Options
from sandbox.settings import Settings
from sandbox.store import Store


@dataclass(frozen=True, slots=True)
class Shape:
    """What a world follows from: its seed, how many teams Ada has and how many ordinary droplets each team."""

    seed: int
    teams: int
    droplets: int


class World:
    """The state file and all that is kept in memory beside it."""

    def __init__(self, options: Options, store: Store) -> None:
        """Take up the world of the state file, shaped anew where the options say so."""
        self.options = options
        self.store = store
        self.log = RequestLog()
        old = store.fact("seed")
        shape = Shape(
            seed=_chosen(options.seed, old, DEFAULT_SEED),
            teams=_chosen(options.teams, store.fact("teams"), DEFAULT_TEAMS),
            droplets=_chosen(options.droplets, store.fact("droplets"), DEFAULT_DROPLETS),
        )
        if old is not None and int(old) != shape.seed:
            store.forget(keep_clients=True)
        self._begin(shape)

    def _begin(self, shape: Shape) -> None:
        self.shape = shape
        for name in ("seed", "teams", "droplets"):
            self.store.keep_fact(name, getattr(shape, name))
        options = self.options
        clients.register(self.store, options.client_id, options.client_secret, options.redirect_uris)
        people.settle(self.store, shape.seed, shape.teams)
        self.settings = Settings.at_start(options)
        self.clock = Clock()
        self.fleets = Fleets(shape.seed, shape.droplets, self.clock)
        self.actions = Book()
        self.faults = Faults()
        self.counters = Counters()
        self.limits = Limits()

    def reset(self, wanted: dict[str, Any]) -> None:
        """A fresh world: no grants, no faults, counters zero. Raises ValueError for something it does not know.

        `wanted` may shape it (seed, teams, droplets), keep_clients, and set any of the settings; what is not
        named is as the options say, or as at first.
        """
        options = self.options
        numbers = {"seed": options.seed, "teams": options.teams, "droplets": options.droplets}
        for name in numbers:
            value = wanted.get(name)
            if value is not None and (type(value) is not int or (value < 0 and name != "seed")):
                raise ValueError(f"{name} must be a whole number, not below zero")
        settings = Settings.at_start(options).changed(
            {name: value for name, value in wanted.items() if name not in numbers and name != "keep_clients"}
        )
        shape = Shape(
            seed=_chosen(wanted.get("seed"), options.seed, DEFAULT_SEED),
            teams=_chosen(wanted.get("teams"), options.teams, DEFAULT_TEAMS),
            droplets=_chosen(wanted.get("droplets"), options.droplets, DEFAULT_DROPLETS),
        )
        self.store.forget(keep_clients=bool(wanted.get("keep_clients")))
        self._begin(shape)
        self.settings = settings


WORLD = web.AppKey("world", World)


def _chosen(*values: int | str | None) -> int:
    return int(next(value for value in values if value is not None))
