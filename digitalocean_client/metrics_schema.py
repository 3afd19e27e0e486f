"""What DigitalOcean's metrics are made of: series of points, each with labels.

Lenient: a point or a series that makes no sense costs itself. What is no frame at all is an `UnexpectedAnswer`.
Shapes: https://docs.digitalocean.com/reference/api/ (Monitoring).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec

from digitalocean_client.http import Answer
from digitalocean_client.text import Text

Points = dict[int, float]
"""Values by moment, in seconds since the epoch, in their order."""

LARGEST = 1e15
"""No bytes, seconds or Mbps of a droplet come near; sums of such stay numbers."""


@dataclass(frozen=True)
class Span:
    """From when to when, in seconds since the epoch."""

    start: int
    end: int


@dataclass(frozen=True)
class Series:
    """One curve. `labels` tell what it is of: the mode of a CPU, the mountpoint of a file system."""

    labels: dict[str, Text]
    points: Points


class _Result(msgspec.Struct):
    metric: dict[str, Any] | None = None
    values: list[Any] | None = None


class _Data(msgspec.Struct):
    result: list[Any] | None


class _MetricsAnswer(msgspec.Struct):
    status: str
    data: _Data


def series(answer: Answer, span: Span) -> list[Series]:
    """The series with points in `span`. Raises `UnexpectedAnswer` where the frame is none, or tells of an error."""
    frame = answer.decode(_MetricsAnswer)
    if frame.status != "success":
        raise answer.unexpected("metrics without success")
    found = []
    for each in frame.data.result or []:
        try:
            result = msgspec.convert(each, _Result)
        except msgspec.ValidationError:
            continue
        labels = {name: Text(value) for name, value in (result.metric or {}).items() if isinstance(value, str)}
        if points := _points(result.values or [], span):
            found.append(Series(labels, points))
    return found


def _points(values: list[Any], span: Span) -> Points:
    """In the order of time, one for each moment: the last that came. None of these metrics can be below zero."""
    try:
        pairs = [(float(moment), float(value)) for moment, value in values]
    except _NONSENSE:
        pairs = list(_sound(values))
    found = {
        math.floor(at): value
        for at, value in pairs
        if span.start <= at <= span.end and 0 <= value <= LARGEST  # nan is neither
    }
    return dict(sorted(found.items()))


def _sound(values: list[Any]) -> Iterator[tuple[float, float]]:
    """The pairs of numbers, one by one."""
    for pair in values:
        with suppress(*_NONSENSE):
            moment, value = pair
            yield float(moment), float(value)


_NONSENSE = (TypeError, ValueError, OverflowError)
