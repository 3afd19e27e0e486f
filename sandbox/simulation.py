"""The state of one running sandbox, in one object that all handlers share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aiohttp import web

from sandbox import people
from sandbox.actions.action_log import ActionLog
from sandbox.clock import Clock
from sandbox.faults.rules import Faults
from sandbox.fleet.fleets import Fleets
from sandbox.grants import clients
from sandbox.options import DEFAULT_DROPLETS, DEFAULT_SEED, DEFAULT_TEAMS, Options
from sandbox.settings import Settings
from sandbox.store import Store
from sandbox.traffic.counters import Counters
from sandbox.traffic.rate_limits import RateLimits
from sandbox.traffic.request_log import RequestLog


@dataclass(frozen=True, slots=True)
class Parameters:
    """What the generated data depends on: seed, number of Ada's teams, ordinary droplets of each team."""

    seed: int
    teams: int
    droplets: int


class Simulation:
    """The SQLite file and everything that is kept in memory."""

    def __init__(self, options: Options, store: Store) -> None:
        """Continue with the state file's data; another seed in the options starts with new data."""
        self.options = options
        self.store = store
        self.log = RequestLog()
        old = store.get_fact("seed")
        parameters = Parameters(
            seed=_first_set(options.seed, old, DEFAULT_SEED),
            teams=_first_set(options.teams, store.get_fact("teams"), DEFAULT_TEAMS),
            droplets=_first_set(options.droplets, store.get_fact("droplets"), DEFAULT_DROPLETS),
        )
        if old is not None and int(old) != parameters.seed:
            store.clear(keep_clients=True)
        self._start(parameters)

    def _start(self, parameters: Parameters) -> None:
        self.parameters = parameters
        for name in ("seed", "teams", "droplets"):
            self.store.set_fact(name, getattr(parameters, name))
        options = self.options
        clients.register(
            self.store, options.client_id, options.client_secret, options.client_name, options.redirect_uris
        )
        people.create(self.store, parameters.seed, parameters.teams)
        self.settings = Settings.at_start(options)
        self.clock = Clock()
        self.fleets = Fleets(parameters.seed, parameters.droplets, self.clock)
        self.actions = ActionLog()
        self.faults = Faults()
        self.counters = Counters()
        self.limits = RateLimits()

    def reset(self, wanted: dict[str, Any]) -> None:
        """Start again with new data: no grants, no faults, counters at zero.

        `wanted` may have seed, teams, droplets, keep_clients and any setting. The others get the values of the
        command line, or their defaults. Raises ValueError for an unknown name or an invalid value.
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
        parameters = Parameters(
            seed=_first_set(wanted.get("seed"), options.seed, DEFAULT_SEED),
            teams=_first_set(wanted.get("teams"), options.teams, DEFAULT_TEAMS),
            droplets=_first_set(wanted.get("droplets"), options.droplets, DEFAULT_DROPLETS),
        )
        self.store.clear(keep_clients=bool(wanted.get("keep_clients")))
        self._start(parameters)
        self.settings = settings


SIMULATION = web.AppKey("simulation", Simulation)


def _first_set(*values: int | str | None) -> int:
    return int(next(value for value in values if value is not None))
