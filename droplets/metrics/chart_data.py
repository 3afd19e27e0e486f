"""The data of a chart and its table: lines over the same moments, downsampled to what can be seen.

Where there are too many points, those of each few minutes become one: their average, and beside it the highest of them,
so that no peak is lost. The lowest values say little about a server.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median_low
from typing import Literal

import msgspec

from digitalocean_client.metrics import LARGEST, Points

LineKind = Literal["line", "layer", "figure"]
"""A line; one of several stacked layers; a column of the table only."""

Unit = Literal["%", "Mbps", "GB", ""]

RECENT = 600
"""Seconds before the end of the chart within which a value counts as the current one."""

EXACT = 1000
"""Stored values are integers: thousandths of the unit."""


@dataclass(frozen=True)
class RawLine:
    """All points of a line. `has_highest` if its peaks matter, `leads` if it is part of the summary.

    `whole` is the size that 100 % stands for, in bytes.
    """

    name: str
    points: Points
    unit: Unit = "%"
    kind: LineKind = "line"
    has_highest: bool = True
    leads: bool = False
    whole: float | None = None


class Line(msgspec.Struct, frozen=True):
    """A line as it is shown. All values are in thousandths of the unit.

    `values` has one for each moment, or None; `highest` too, or it is empty. `latest` is the current value, or None.
    `average` and `peak` are of all points, `peak_at` in seconds since the epoch. `whole` in thousandths of a GiB.
    """

    name: str
    unit: Unit
    kind: LineKind
    leads: bool
    whole: int | None
    values: list[int | None]
    highest: list[int | None]
    latest: int | None
    average: int
    peak: int
    peak_at: int


class ChartData(msgspec.Struct, frozen=True):
    """Lines over the same `moments`, in seconds since the epoch.

    `step` is the interval between moments, in seconds. If `is_averaged`, a value is the average over the step that
    starts at its moment. `left_out` counts the lines beyond the most that a chart has.
    """

    moments: list[int] = []
    step: int = 0
    is_averaged: bool = False
    lines: list[Line] = []
    left_out: int = 0

    def __post_init__(self) -> None:
        if any(
            len(of) != len(self.moments) for line in self.lines for of in (line.values, line.highest or line.values)
        ):
            raise ValueError("a line needs a value for each moment")


def downsample(raw_lines: Sequence[RawLine], *, end: int, bucket: int, most: int, left_out: int = 0) -> ChartData:
    """At most about `most` moments. Where there are more, the points of each `bucket` seconds become one."""
    raw_lines = [line for line in raw_lines if line.points]
    moments = sorted(set().union(*(line.points for line in raw_lines)))
    if not moments:
        return ChartData()
    is_averaged = len(moments) > most
    step = bucket if is_averaged else spacing(moments)
    if is_averaged:
        moments = sorted({moment - moment % bucket for moment in moments})
    lines = [
        _averaged(line, moments, bucket, end) if is_averaged else _exact_line(line, moments, end) for line in raw_lines
    ]
    return ChartData(moments, step, is_averaged, lines, left_out)


def spacing(moments: Sequence[int]) -> int:
    """The usual interval between two moments, in seconds. 0 where there are fewer than two."""
    return median_low(after - before for before, after in pairwise(moments)) if len(moments) > 1 else 0


def _exact_line(raw: RawLine, moments: Sequence[int], end: int) -> Line:
    points = raw.points
    return _summarized(raw, end, [_exact(points[moment]) if moment in points else None for moment in moments], [])


def _averaged(raw: RawLine, moments: Sequence[int], bucket: int, end: int) -> Line:
    times = sorted(raw.points)
    values = [raw.points[time] for time in times]
    edges = [(bisect_left(times, moment), bisect_left(times, moment + bucket)) for moment in moments]
    averages = [_exact(fmean(values[first:last])) if first < last else None for first, last in edges]
    highest = [_exact(max(values[first:last])) if first < last else None for first, last in edges]
    return _summarized(raw, end, averages, highest if raw.has_highest else [])


def _summarized(raw: RawLine, end: int, values: list[int | None], highest: list[int | None]) -> Line:
    last = max(raw.points)
    peak_at = max(raw.points, key=raw.points.__getitem__)
    return Line(
        raw.name,
        raw.unit,
        raw.kind,
        raw.leads,
        None if raw.whole is None else _exact(raw.whole / 2**30),
        values,
        highest,
        latest=_exact(raw.points[last]) if last > end - RECENT else None,
        average=_exact(fmean(raw.points.values())),
        peak=_exact(raw.points[peak_at]),
        peak_at=peak_at,
    )


def _exact(value: float) -> int:
    return round(min(value, LARGEST) * EXACT)
