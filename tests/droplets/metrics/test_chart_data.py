from __future__ import annotations

from statistics import fmean

import msgspec
import pytest

from digitalocean_client.metrics import Points
from droplets.metrics.chart_data import EXACT, RECENT, ChartData, RawLine, downsample, spacing
from droplets.metrics.ranges import RANGES, Range

STEP = 120
END = 472_222 * 3_600
"""A whole hour."""


def points(count: int, value: float = 1, *, step: int = STEP) -> Points:
    """The last so many points until END."""
    return {END - place * step: value for place in reversed(range(count))}


def made(*curves: RawLine, bucket: int = 3_600, most: int = 100) -> ChartData:
    return downsample(curves, end=END, bucket=bucket, most=most)


# Works


def test_few_points_are_shown_as_they_are() -> None:
    found = made(RawLine("Used", {END - 240: 1.5, END - 120: 2.25, END: 0.1234}))

    assert found.moments == [END - 240, END - 120, END]
    assert (found.step, found.is_averaged) == (STEP, False)
    assert [line.values for line in found.lines] == [[1_500, 2_250, 123]]
    assert found.lines[0].highest == []


def test_many_become_averages_and_the_highest() -> None:
    curve = points(240)
    curve[END - 30 * STEP - STEP] = 31  # in the last whole hour but one

    found = made(RawLine("Used", curve))

    assert (found.step, found.is_averaged) == (3_600, True)
    assert found.moments == [END - 3_600 * back for back in (8, 7, 6, 5, 4, 3, 2, 1, 0)]
    (line,) = found.lines
    assert line.values[6] == 2 * EXACT
    assert line.highest[6] == 31 * EXACT
    assert line.values[-1] == line.highest[-1] == EXACT


def test_an_average_is_one_of_the_points_that_there_are() -> None:
    curve = points(240)
    del curve[END - 30 * STEP]

    assert set(made(RawLine("Used", curve)).lines[0].values) == {EXACT}


def test_a_line_has_its_latest_value_average_and_peak() -> None:
    curve = points(240)
    curve[END - 5 * STEP] = 4.5
    curve[END] = 2

    (line,) = made(RawLine("Used", curve)).lines

    assert (line.latest, line.peak, line.peak_at) == (2_000, 4_500, END - 5 * STEP)
    assert line.average == round(fmean(curve.values()) * EXACT)


def test_lines_may_have_moments_of_their_own() -> None:
    found = made(RawLine("In", {END - 240: 1, END: 3}), RawLine("Out", {END - 120: 2}))

    assert found.moments == [END - 240, END - 120, END]
    assert [line.values for line in found.lines] == [[1_000, None, 3_000], [None, 2_000, None]]


@pytest.mark.parametrize("step", [15, 60, STEP, 300, 3_600])
@pytest.mark.parametrize("over", RANGES, ids=lambda over: over.slug)
def test_no_range_has_more_points_than_can_be_seen(over: Range, step: int) -> None:
    curve = points(over.length // step, step=step)
    curve[max(curve)] = 99

    found = made(RawLine("Used", curve), bucket=over.bucket, most=over.most_points)

    assert min(len(curve), 20) <= len(found.moments) <= over.most_points + 1 <= 182
    assert max(found.lines[0].highest or found.lines[0].values, key=lambda value: value or 0) == 99 * EXACT


def test_chart_data_survives_encoding() -> None:
    found = made(RawLine("Used", points(240), whole=2**30), RawLine("In", {END - 240: 1}, has_highest=False))

    assert msgspec.msgpack.decode(msgspec.msgpack.encode(found), type=ChartData) == found


# Handles


def test_no_points_are_no_figures() -> None:
    assert made() == made(RawLine("Used", {})) == ChartData()


def test_an_empty_curve_is_left_out() -> None:
    assert [line.name for line in made(RawLine("In", {}), RawLine("Out", {END: 1})).lines] == ["Out"]


def test_one_point_is_enough() -> None:
    found = made(RawLine("Used", {END: 1}))

    assert (found.moments, found.step) == ([END], 0)


def test_what_ended_a_while_ago_is_not_now() -> None:
    (now,) = made(RawLine("Used", {END - RECENT + 1: 1})).lines
    (then,) = made(RawLine("Used", {END - RECENT: 1})).lines

    assert (now.latest, then.latest) == (1_000, None)


@pytest.mark.parametrize("moments", [[], [5]])
def test_without_neighbours_there_is_no_spacing(moments: list[int]) -> None:
    assert spacing(moments) == 0


def test_the_usual_spacing_is_that_of_most() -> None:
    assert spacing([0, 120, 240, 100_000, 100_120]) == 120


def test_a_line_of_another_length_is_refused() -> None:
    found = msgspec.to_builtins(made(RawLine("Used", {END: 1})))
    found["moments"].append(END + 1)

    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(msgspec.msgpack.encode(found), type=ChartData)
