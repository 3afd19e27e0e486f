from __future__ import annotations

import json
import random
from typing import Any

import pytest

from digitalocean_client import errors
from digitalocean_client.answers import Answer
from digitalocean_client.metrics import LARGEST, Span, series

SPAN = Span(1_000, 2_000)


def answer(body: Any) -> Answer:
    return Answer(200, {}, json.dumps(body).encode(), "a-request-id")


def metrics(*results: Any, **more: Any) -> Answer:
    return answer({"status": "success", "data": {"resultType": "matrix", "result": list(results)}, **more})


def points(*values: Any) -> dict[int, float]:
    """What becomes of the values of one series."""
    found = series(metrics({"metric": {}, "values": list(values)}), SPAN)
    return found[0].points if found else {}


# Works


def test_series_have_labels_and_numbers() -> None:
    found = series(metrics({"metric": {"host_id": "1", "mode": "idle"}, "values": [[1_500, "122901.18"]]}), SPAN)

    assert [(each.labels, each.points) for each in found] == [
        ({"host_id": "1", "mode": "idle"}, {1_500: 122_901.18}),
    ]


def test_no_result_is_no_series() -> None:
    assert series(metrics(), SPAN) == []
    assert series(answer({"status": "success", "data": {"resultType": "matrix", "result": None}}), SPAN) == []


def test_points_come_in_any_order_and_twice() -> None:
    values = [[1_000 + place, str(place)] for place in range(500)]
    random.Random(1).shuffle(values)

    assert list(points(*values, [1_003, "77"]).items())[:5] == [
        (1_000, 0), (1_001, 1), (1_002, 2), (1_003, 77), (1_004, 4),
    ]  # fmt: skip


def test_there_may_be_thousands() -> None:
    found = series(metrics(*({"metric": {"n": str(n)}, "values": [[1_500, "1"]]} for n in range(5_000))), SPAN)

    assert len(found) == 5_000


# Leaves out


@pytest.mark.parametrize(
    "value",
    [
        [1_500, "NaN"],
        [1_500, "Infinity"],
        [1_500, "-Infinity"],
        [1_500, "+Inf"],
        [1_500, "-0.5"],
        [1_500, "much"],
        [1_500, ""],
        [1_500, None],
        [1_500, []],
        [1_500, str(LARGEST * 10)],
        [1_500, 10**400],
        [10**400, "1"],
        ["soon", "1"],
        ["NaN", "1"],
        [None, "1"],
        [1_500],
        [1_500, "1", "2"],
        [],
        {},
        "15",
        7,
        None,
        [999, "1"],
        [2_001, "1"],
    ],
)
def test_a_point_that_makes_no_sense_costs_itself(value: Any) -> None:
    assert points([1_400, "4"], value, [1_600, "6"]) == {1_400: 4, 1_600: 6}


@pytest.mark.parametrize(
    "odd", [None, 7, "x", [], {"metric": 7, "values": []}, {"metric": {}, "values": "x"}, {"values": None}, {}]
)
def test_a_series_that_makes_no_sense_costs_itself(odd: Any) -> None:
    good = {"metric": {"mode": "idle"}, "values": [[1_500, "1"]]}

    assert [each.labels for each in series(metrics(odd, good), SPAN)] == [{"mode": "idle"}]


def test_labels_are_safe_texts() -> None:
    result = {"metric": {"mountpoint": "/\u202egnp", "device": 7, "fstype": None}, "values": [[1_500, "1"]]}

    assert series(metrics(result), SPAN)[0].labels == {"mountpoint": "/gnp"}


# Refuses


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"status": "success"},
        {"status": "success", "data": None},
        {"status": "success", "data": []},
        {"status": "success", "data": {}},
        {"status": "success", "data": {"result": {}}},
        {"status": "success", "data": {"result": "none"}},
        {"status": None, "data": {"result": []}},
        {"status": "error", "data": {"result": []}},
    ],
)
def test_what_is_no_frame_is_told(body: Any) -> None:
    with pytest.raises(errors.UnexpectedAnswer):
        series(answer(body), SPAN)
