"""A droplet's charts: from the cache where they are fresh, else read in parallel, each with its own error."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from time import monotonic
from typing import Any

from django.conf import settings
from django.utils import timezone

from accounts.models import Connection
from digitalocean_client import errors
from digitalocean_client.metrics import Series, Span
from digitalocean_client.schema import Droplet
from droplets.calls import droplet as droplet_calls
from droplets.calls.parallel import fetch_all
from droplets.metrics import cache as metrics_cache
from droplets.metrics.cache import CachedChart
from droplets.metrics.chart_data import ChartData, downsample
from droplets.metrics.charts import CHARTS, MAX_LINES, ChartSpec, MetricCall
from droplets.metrics.ranges import Range


@dataclass(frozen=True)
class Chart:
    """One chart, from `start` to `end` in seconds since the epoch.

    `error` is why it is incomplete or old. `as_of` is when an old chart was read, None for a current one.
    """

    spec: ChartSpec
    data: ChartData
    start: int
    end: int
    error: errors.DigitalOceanError | None = None
    as_of: datetime | None = None

    @property
    def is_empty(self) -> bool:
        return not self.data.lines


@dataclass(frozen=True)
class Graphs:
    droplet: Droplet
    charts: list[Chart]

    @property
    def has_figures(self) -> bool:
        return any(not chart.is_empty for chart in self.charts)

    @property
    def are_averaged(self) -> bool:
        return any(chart.data.is_averaged for chart in self.charts)

    @property
    def error(self) -> errors.DigitalOceanError | None:
        """The error of all charts, where they are all empty and have the same one."""
        found = [chart.error for chart in self.charts if chart.is_empty and chart.error]
        return found[0] if len(found) == len(self.charts) and len({error.code for error in found}) == 1 else None

    @property
    def lacks_agent(self) -> bool:
        """Whether the droplet is on and DigitalOcean answered, but has no metrics of those that its agent reports."""
        reported = [chart for chart in self.charts if chart.spec.needs_agent]
        return self.droplet.status == "active" and all(chart.is_empty and not chart.error for chart in reported)


def read_metrics(connection: Connection, droplet_id: int, over: Range) -> Graphs:
    """The charts, within PAGE_DEADLINE seconds.

    Raises a `DigitalOceanError` where the droplet itself cannot be read, `NotFound` where the team does not have it.
    """
    deadline = monotonic() + settings.PAGE_DEADLINE
    now = int(timezone.now().timestamp())
    span = Span(now - over.length, now)
    cached = metrics_cache.load(connection.pk, droplet_id, over.slug, now=now)
    wanted = [spec for spec in CHARTS if spec.key not in cached or not cached[spec.key].is_fresh(now)]

    def calls_of(parts: Callable[[ChartSpec], Mapping[str, MetricCall]]) -> dict[str, Any]:
        return {
            _name(spec, part): partial(_metric, call, droplet_id, span)
            for spec in wanted
            for part, call in parts(spec).items()
        }

    droplet, answers = droplet_calls.fetch_droplet_with(connection, droplet_id, calls_of(lambda spec: spec.calls))
    fallbacks = calls_of(lambda spec: spec.fallback if _makes_no_line(spec, answers) else {})
    answers |= fetch_all(connection, fallbacks, deadline=deadline)
    charts = [
        _new_chart(spec, answers, cached.get(spec.key), over, span)
        if spec in wanted
        else _cached_chart(spec, cached[spec.key], over)
        for spec in CHARTS
    ]
    if new := {
        chart.spec.key: CachedChart(now, chart.data) for chart in charts if chart.spec in wanted and not chart.error
    }:
        metrics_cache.save(connection.pk, droplet_id, over.slug, {**cached, **new})
    return Graphs(droplet, charts)


def _makes_no_line(spec: ChartSpec, answers: Mapping[str, Any]) -> bool:
    """Whether all calls were answered, with some points, but not with those that the chart needs."""
    parts = {part: answers[_name(spec, part)] for part in spec.calls}
    came = not any(isinstance(part, errors.DigitalOceanError) for part in parts.values())
    return came and any(parts.values()) and not spec.lines(parts)


def _metric(call: MetricCall, droplet_id: int, span: Span, token: str, deadline: float) -> list[Series]:
    return call(token, droplet_id, span, deadline=deadline)


def _new_chart(
    spec: ChartSpec, answers: Mapping[str, Any], cached: CachedChart | None, over: Range, span: Span
) -> Chart:
    """The chart from the answers. Where some are missing, the cached chart if there is one, else an incomplete one."""
    parts = {part: answers[name] for part in (*spec.calls, *spec.fallback) if (name := _name(spec, part)) in answers}
    error = next((part for part in parts.values() if isinstance(part, errors.DigitalOceanError)), None)
    if error and cached:
        return _cached_chart(spec, cached, over, error)
    came = {name: part for name, part in parts.items() if not isinstance(part, errors.DigitalOceanError)}
    lines = spec.lines(came)
    data = downsample(
        lines[:MAX_LINES], end=span.end, bucket=over.bucket, most=over.most_points, left_out=len(lines[MAX_LINES:])
    )
    return Chart(spec, data, span.start, span.end, error)


def _cached_chart(
    spec: ChartSpec, cached: CachedChart, over: Range, error: errors.DigitalOceanError | None = None
) -> Chart:
    as_of = datetime.fromtimestamp(cached.taken_at, UTC) if error else None
    return Chart(spec, cached.data, cached.taken_at - over.length, cached.taken_at, error, as_of)


def _name(spec: ChartSpec, part: str) -> str:
    return f"{spec.key} {part}"
