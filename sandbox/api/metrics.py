"""Metrics of droplets: GET /v2/monitoring/metrics/droplet/{metric}."""

from __future__ import annotations

from aiohttp import web

from sandbox import errors
from sandbox.api.authorization import Caller, Handler, requires
from sandbox.fleet.droplets import Droplet
from sandbox.fleet.fields import list_field
from sandbox.metrics import load_pattern, runs, series
from sandbox.metrics.load_pattern import DAY, STEP
from sandbox.metrics.runs import Run
from sandbox.metrics.series import Series
from sandbox.numbers import parse_number

PREFIX = "monitoring/metrics/droplet"
AGENT = "monitoring"  # the feature of droplets with the metrics agent
KEPT = 14 * DAY  # how long samples are kept, in seconds
LOADS = {"load_1": 1, "load_5": 5, "load_15": 15}
MEMORIES = ("memory_total", "memory_free", "memory_available", "memory_cached")
FILESYSTEMS = ("filesystem_size", "filesystem_free")
INTERFACES, DIRECTIONS = ("public", "private"), ("inbound", "outbound")
NAMES = ("bandwidth", "cpu", *LOADS, *MEMORIES, *FILESYSTEMS)


def handler(name: str) -> Handler:
    """The handler of one metric. The result is empty for a droplet without the agent and for an unknown droplet."""

    @requires("monitoring:read")
    def metric(request: web.Request, caller: Caller) -> web.Response:
        host, start, end = (_number(request, each) for each in ("host_id", "start", "end"))
        if end < start:
            raise errors.unprocessable("end must not be before start.")
        wires = _wires(request) if name == "bandwidth" else ("", "")
        droplet = caller.fleet.find(host)
        found: list[Series] = []
        if droplet is not None and AGENT in list_field(droplet, "features"):
            now = caller.simulation.clock.now()
            since, until = max(start, now - KEPT - STEP), min(end + 1, now)
            found = _series(caller, name, droplet, runs.between(caller.fleet.resources, droplet, since, until), wires)
        return web.json_response({"status": "success", "data": {"resultType": "matrix", "result": found}})

    return metric


def _wires(request: web.Request) -> tuple[str, str]:
    return _one_of(request, "interface", INTERFACES), _one_of(request, "direction", DIRECTIONS)


def _series(caller: Caller, name: str, droplet: Droplet, found_runs: list[Run], wires: tuple[str, str]) -> list[Series]:
    resources = caller.fleet.resources
    pattern = load_pattern.create(resources.seed, droplet["id"])
    kind, _, part = name.partition("_")
    match kind:
        case "bandwidth":
            return series.bandwidth(pattern, droplet, found_runs, *wires)
        case "cpu":
            return series.cpu(pattern, droplet, found_runs)
        case "load":
            return series.load(pattern, droplet, found_runs, LOADS[name])
        case "memory":
            return series.memory(pattern, droplet, found_runs, part)
        case _:
            return series.filesystem(resources, pattern, droplet, found_runs, part)


def _number(request: web.Request, name: str) -> int:
    number = parse_number(request.query.get(name, ""))
    if number is None:
        raise errors.unprocessable(f"{name} must be a whole number.")
    return number


def _one_of(request: web.Request, name: str, choices: tuple[str, ...]) -> str:
    if (value := request.query.get(name, "")) not in choices:
        raise errors.unprocessable(f"{name} must be one of {', '.join(choices)}.")
    return value
