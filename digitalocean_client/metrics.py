"""The endpoints for a droplet's metrics. Safe in any thread.

There is no step parameter: DigitalOcean chooses the distance between points. Without its agent on the droplet most
answers are empty. A point or series that cannot be read is left out.
Shapes: https://docs.digitalocean.com/reference/api/ (Monitoring).
"""

import math
from dataclasses import dataclass
from typing import Any

from digitalocean_client import api
from digitalocean_client.answers import Answer
from digitalocean_client.text import clean_text

Points = dict[int, float]
"""Values by moment, in seconds since the epoch, in the order of time."""

LARGEST = 1e15
"""No droplet's bytes, seconds or Mbps come near this, and sums of such values stay finite."""


@dataclass(frozen=True)
class Span:
    """From when to when, in seconds since the epoch."""

    start: int
    end: int


@dataclass(frozen=True)
class Series:
    """One curve. `labels` say what it measures: the mode of a CPU, the mount point of a file system."""

    labels: dict[str, str]
    points: Points


def metric(token: str, droplet: int, span: Span, name: str, *, deadline: float, **params: str) -> list[Series]:
    """The metric of this name, such as `load_5`, with the `params` that only some have. Raises a `DigitalOceanError`.

    `cpu` counts seconds since boot over all vCPUs, for each `mode`. `load_…` is the average of processes that run or
    wait. `memory_…` and `filesystem_…` are bytes; older agents send no `memory_available`. `bandwidth` is in megabits
    per second and needs `interface` (public or private) and `direction` (inbound or outbound).
    """
    query: dict[str, str | int] = {"host_id": str(droplet), "start": span.start, "end": span.end, **params}
    return series(api.get(token, f"/monitoring/metrics/droplet/{name}", params=query, deadline=deadline), span)


def series(answer: Answer, span: Span) -> list[Series]:
    """The series with points in `span`. Raises `UnexpectedAnswer` where the answer is not metrics, or an error."""
    body = answer.json()
    data = body.get("data")
    results = data.get("result", "missing") if isinstance(data, dict) else "missing"
    if body.get("status") != "success" or not isinstance(results, list | None):
        raise answer.unexpected("metrics without success")
    found = []
    for each in results or []:
        result = each if isinstance(each, dict) else {}
        labels, values = result.get("metric") or {}, result.get("values")
        if isinstance(labels, dict) and isinstance(values, list) and (points := _points(values, span)):
            texts = {name: clean_text(value) for name, value in labels.items() if isinstance(value, str)}
            found.append(Series(texts, points))
    return found


def _points(values: list[Any], span: Span) -> Points:
    """In the order of time, the last value for each moment. None of these metrics can be below zero."""
    found = {}
    for pair in values:
        try:
            at, value = map(float, pair)
        except (TypeError, ValueError, OverflowError):
            continue
        if span.start <= at <= span.end and 0 <= value <= LARGEST:  # nan is neither
            found[math.floor(at)] = value
    return dict(sorted(found.items()))
