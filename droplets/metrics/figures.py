"""What a chart and its table show: lines over the same moments, thinned to what can be seen.

Where there are more points than that, the points of each few minutes become one: their average, which is what adds up
and compares, and beside it the highest of them, so that no peak is lost. The lowest tell little of a server.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median_low
from typing import Literal

import msgspec

from digitalocean_client.metrics_schema import LARGEST, Points

Kind = Literal["line", "layer", "figure"]
"""A line of its own; one of layers that lie on each other; what is in the table alone."""

Unit = Literal["%", "Mbps", "GB", ""]

RECENT = 600
"""Seconds before the end within which a value is the one of now."""

EXACT = 1000


@dataclass(frozen=True)
class Curve:
    """What becomes a line. `has_highest` where its peaks matter, `leads` where the summary tells of it.

    `whole` is what 100 % are, in bytes.
    """

    name: str
    points: Points
    unit: Unit = "%"
    kind: Kind = "line"
    has_highest: bool = True
    leads: bool = False
    whole: float | None = None


class Line(msgspec.Struct, frozen=True):
    """A curve as it is shown. All values are in thousandths of the unit, which is compact and exact enough.

    `values` has one for each of the figures' moments, None where there is none; `highest` too, or nothing at all.
    `latest` is the value of now, if there is one; `average` and `peak` are of all points, `peak_at` in epoch seconds.
    """

    name: str
    unit: Unit
    kind: Kind
    leads: bool
    whole: int | None
    values: list[int | None]
    highest: list[int | None]
    latest: int | None
    average: int
    peak: int
    peak_at: int


class Figures(msgspec.Struct, frozen=True):
    """Lines over the same `moments`, in seconds since the epoch.

    `step` is how far two moments are apart, in seconds. Where `is_averaged`, a moment begins a step, and a value is
    the average over it. `left_out` are lines that would be too many.
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


def figures(curves: Sequence[Curve], *, end: int, bucket: int, most: int, left_out: int = 0) -> Figures:
    """At most about `most` moments of these curves: with more, the points of each `bucket` seconds become one."""
    curves = [curve for curve in curves if curve.points]
    moments = sorted(set().union(*(curve.points for curve in curves)))
    if not moments:
        return Figures()
    is_averaged = len(moments) > most
    step = bucket if is_averaged else spacing(moments)
    if is_averaged:
        moments = sorted({moment - moment % bucket for moment in moments})
    lines = [_averaged(curve, moments, bucket, end) if is_averaged else _line(curve, moments, end) for curve in curves]
    return Figures(moments, step, is_averaged, lines, left_out)


def spacing(moments: Sequence[int]) -> int:
    """How far apart two neighbours usually are, in seconds. 0 where there are none."""
    return median_low(after - before for before, after in pairwise(moments)) if len(moments) > 1 else 0


def _line(curve: Curve, moments: Sequence[int], end: int) -> Line:
    points = curve.points
    return _told(curve, end, [_exact(points[moment]) if moment in points else None for moment in moments], [])


def _averaged(curve: Curve, moments: Sequence[int], bucket: int, end: int) -> Line:
    times = sorted(curve.points)
    values = [curve.points[time] for time in times]
    edges = [(bisect_left(times, moment), bisect_left(times, moment + bucket)) for moment in moments]
    averages = [_exact(fmean(values[first:last])) if first < last else None for first, last in edges]
    highest = [_exact(max(values[first:last])) if first < last else None for first, last in edges]
    return _told(curve, end, averages, highest if curve.has_highest else [])


def _told(curve: Curve, end: int, values: list[int | None], highest: list[int | None]) -> Line:
    last = max(curve.points)
    peak_at = max(curve.points, key=curve.points.__getitem__)
    return Line(
        str(curve.name),  # a `Text` is not msgpack's
        curve.unit,
        curve.kind,
        curve.leads,
        None if curve.whole is None else _exact(curve.whole / 2**30),
        values,
        highest,
        latest=_exact(curve.points[last]) if last > end - RECENT else None,
        average=_exact(fmean(curve.points.values())),
        peak=_exact(curve.points[peak_at]),
        peak_at=peak_at,
    )


def _exact(value: float) -> int:
    return round(min(value, LARGEST) * EXACT)
