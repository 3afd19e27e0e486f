"""Metrics of droplets: GET /v2/monitoring/metrics/droplet/{metric}."""

from __future__ import annotations

from aiohttp import web

from sandbox.api import errors
from sandbox.api.gate import Caller, Handler, needs
from sandbox.fleet.droplets import Droplet
from sandbox.fleet.fields import values
from sandbox.metrics import rhythm, runs, series
from sandbox.metrics.rhythm import DAY, STEP
from sandbox.metrics.runs import Run
from sandbox.metrics.series import Series
from sandbox.numbers import whole

PREFIX = "monitoring/metrics/droplet"
AGENT = "monitoring"  # the feature that tells of the agent
KEPT = 14 * DAY  # seconds that samples are kept
LOADS = {"load_1": 1, "load_5": 5, "load_15": 15}
MEMORIES = ("memory_total", "memory_free", "memory_available", "memory_cached")
FILESYSTEMS = ("filesystem_size", "filesystem_free")
INTERFACES, DIRECTIONS = ("public", "private"), ("inbound", "outbound")
NAMES = ("bandwidth", "cpu", *LOADS, *MEMORIES, *FILESYSTEMS)


def handler(name: str) -> Handler:
    """What answers for one metric: a matrix, empty for a droplet without the agent and for one that there is not."""

    @needs("monitoring:read")
    def metric(request: web.Request, caller: Caller) -> web.Response:
        host, start, end = (_number(request, each) for each in ("host_id", "start", "end"))
        if end < start:
            raise errors.unprocessable("end must not be before start.")
        wires = _wires(request) if name == "bandwidth" else ("", "")
        droplet = caller.fleet.find(host)
        found: list[Series] = []
        if droplet is not None and AGENT in values(droplet, "features"):
            now = caller.world.clock.now()
            since, until = max(start, now - KEPT - STEP), min(end + 1, now)
            found = _series(caller, name, droplet, runs.between(caller.fleet.holdings, droplet, since, until), wires)
        return web.json_response({"status": "success", "data": {"resultType": "matrix", "result": found}})

    return metric


def _wires(request: web.Request) -> tuple[str, str]:
    return _one_of(request, "interface", INTERFACES), _one_of(request, "direction", DIRECTIONS)


def _series(caller: Caller, name: str, droplet: Droplet, stretches: list[Run], wires: tuple[str, str]) -> list[Series]:
    holdings = caller.fleet.holdings
    habits = rhythm.of(holdings.seed, droplet["id"])
    kind, _, part = name.partition("_")
    match kind:
        case "bandwidth":
            return series.bandwidth(habits, droplet, stretches, *wires)
        case "cpu":
            return series.cpu(habits, droplet, stretches)
        case "load":
            return series.load(habits, droplet, stretches, LOADS[name])
        case "memory":
            return series.memory(habits, droplet, stretches, part)
        case _:
            return series.filesystem(holdings, habits, droplet, stretches, part)


def _number(request: web.Request, name: str) -> int:
    number = whole(request.query.get(name, ""))
    if number is None:
        raise errors.unprocessable(f"{name} must be a whole number.")
    return number


def _one_of(request: web.Request, name: str, choices: tuple[str, ...]) -> str:
    if (asked := request.query.get(name, "")) not in choices:
        raise errors.unprocessable(f"{name} must be one of {', '.join(choices)}.")
    return asked
