"""The sandbox's metrics, asked for and turned into numbers."""

from __future__ import annotations

from typing import Any

from tests.support.droplets import every
from tests.support.sandbox import Sandbox

STEP = 120
DAY = 86_400
LOADS = ("load_1", "load_5", "load_15")
MEMORIES = ("memory_total", "memory_free", "memory_available", "memory_cached")
NAMES = ("cpu", *LOADS, *MEMORIES, "filesystem_size", "filesystem_free", "bandwidth")
Points = dict[int, float]


def watched(sandbox: Sandbox, token: str, **wanted: Any) -> list[dict[str, Any]]:
    """The droplets with the agent that run, or are as wanted."""
    wanted = {"status": "active", "locked": False, **wanted}
    return [
        each
        for each in every(sandbox, token, "droplets")
        if "monitoring" in each["features"] and all(each[name] == value for name, value in wanted.items())
    ]


def asked(
    sandbox: Sandbox, token: str, name: str, droplet: Any, start: int, end: int, **more: Any
) -> list[dict[str, Any]]:
    """The series of a metric, as they come."""
    if name == "bandwidth":
        more = {"interface": "public", "direction": "inbound", **more}
    host = droplet["id"] if isinstance(droplet, dict) else droplet
    answer = sandbox.get(f"/v2/monitoring/metrics/droplet/{name}", token, host_id=host, start=start, end=end, **more)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["status"], answer.json()["data"]["resultType"]) == ("success", "matrix")
    found: list[dict[str, Any]] = answer.json()["data"]["result"]
    return found


def points(series: dict[str, Any]) -> Points:
    assert all(isinstance(moment, int) and isinstance(value, str) for moment, value in series["values"])
    return {moment: float(value) for moment, value in series["values"]}


def cpu(sandbox: Sandbox, token: str, droplet: Any, start: int, end: int) -> dict[str, Points]:
    return {each["metric"]["mode"]: points(each) for each in asked(sandbox, token, "cpu", droplet, start, end)}


def one(sandbox: Sandbox, token: str, name: str, droplet: Any, start: int, end: int, **more: Any) -> Points:
    (series,) = asked(sandbox, token, name, droplet, start, end, **more)
    return points(series)


def steady(sandbox: Sandbox, token: str, now: int) -> dict[str, Any]:
    """A watched droplet that did not boot by itself in the last day and will not in the next.

    It booted two to eight days ago, and there are nine days or more between two boots.
    """
    for droplet in watched(sandbox, token):
        if 1 < droplet["vcpus"] < 8 and droplet["disk"] < 320:
            modes = cpu(sandbox, token, droplet, now - 600, now)
            if 2 * DAY < sum(list(each.values())[-1] for each in modes.values() if each) / droplet["vcpus"] < 8 * DAY:
                return droplet
    raise LookupError("no droplet booted two to eight days ago")
