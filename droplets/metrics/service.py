"""A droplet's charts: what is kept of them, the rest asked side by side, each with a failure of its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from django.utils import timezone

from accounts.models import Connection
from digitalocean_client import errors
from digitalocean_client.metrics_schema import Series, Span
from digitalocean_client.schema import Droplet
from droplets.calls import droplet as droplet_calls
from droplets.metrics import cache as metrics_cache
from droplets.metrics.cache import CachedCharts
from droplets.metrics.charts import MOST_LINES, PLOTS, Call, Plot
from droplets.metrics.figures import Figures, figures
from droplets.metrics.ranges import Range


@dataclass(frozen=True)
class Chart:
    """What is shown of one plot, from `start` to `end` in seconds since the epoch.

    `error` is why it is not whole, or not of now: `as_of` is then when what is shown was read, None where it is what
    came of this reading.
    """

    plot: Plot
    figures: Figures
    start: int
    end: int
    error: errors.DigitalOceanError | None = None
    as_of: datetime | None = None

    @property
    def is_empty(self) -> bool:
        return not self.figures.lines


@dataclass(frozen=True)
class Graphs:
    droplet: Droplet
    charts: list[Chart]

    @property
    def has_figures(self) -> bool:
        return any(not chart.is_empty for chart in self.charts)

    @property
    def are_averaged(self) -> bool:
        return any(chart.figures.is_averaged for chart in self.charts)

    @property
    def error(self) -> errors.DigitalOceanError | None:
        """What kept every chart from being read, where it is the same for all and there is nothing to show."""
        found = [chart.error for chart in self.charts if chart.is_empty and chart.error]
        return found[0] if len(found) == len(self.charts) and len({error.code for error in found}) == 1 else None

    @property
    def lacks_agent(self) -> bool:
        """Whether DigitalOcean has nothing of what its agent tells, though it answered. A droplet that does not run
        is silent anyway."""
        told = [chart for chart in self.charts if chart.plot.needs_agent]
        return self.droplet.status == "active" and all(chart.is_empty and not chart.error for chart in told)


def read_metrics(connection: Connection, droplet_id: int, over: Range) -> Graphs:
    """The charts, within FLEET_DEADLINE seconds.

    Raises a `DigitalOceanError` where the droplet itself cannot be read, `NotFound` where the team has none of that id.
    """
    now = int(timezone.now().timestamp())
    span = Span(now - over.length, now)
    known = metrics_cache.load(connection.pk, droplet_id, over.slug, now=now)
    wanted = [plot for plot in PLOTS if plot.key not in known or not known[plot.key].is_fresh(now)]
    questions = {
        _name(plot, part): partial(_metric, call, droplet_id, span)
        for plot in wanted
        for part, call in plot.calls.items()
    }
    droplet, answers = droplet_calls.fetch_droplet_with(connection, droplet_id, questions)
    charts = [
        _asked(plot, answers, known.get(plot.key), over, span) if plot in wanted else _kept(plot, known[plot.key], over)
        for plot in PLOTS
    ]
    if new := {
        chart.plot.key: CachedCharts(now, chart.figures) for chart in charts if chart.plot in wanted and not chart.error
    }:
        metrics_cache.save(connection.pk, droplet_id, over.slug, {**known, **new})
    return Graphs(droplet, charts)


def _metric(call: Call, droplet_id: int, span: Span, token: str, deadline: float) -> list[Series]:
    return call(token, droplet_id, span, deadline=deadline)


def _asked(plot: Plot, answers: dict[str, Any], known: CachedCharts | None, over: Range, span: Span) -> Chart:
    """What came now; where that is not all, rather what is kept than a part."""
    parts = {part: answers[_name(plot, part)] for part in plot.calls}
    error = next((part for part in parts.values() if isinstance(part, errors.DigitalOceanError)), None)
    if error and known:
        return _kept(plot, known, over, error)
    came = {name: part for name, part in parts.items() if not isinstance(part, errors.DigitalOceanError)}
    curves = plot.curves(came)
    drawn = figures(
        curves[:MOST_LINES],
        end=span.end,
        bucket=over.bucket,
        most=over.most_points,
        left_out=len(curves[MOST_LINES:]),
    )
    return Chart(plot, drawn, span.start, span.end, error)


def _kept(plot: Plot, known: CachedCharts, over: Range, error: errors.DigitalOceanError | None = None) -> Chart:
    as_of = datetime.fromtimestamp(known.taken_at, UTC) if error else None
    return Chart(plot, known.figures, known.taken_at - over.length, known.taken_at, error, as_of)


def _name(plot: Plot, part: str) -> str:
    return f"{plot.key} {part}"
