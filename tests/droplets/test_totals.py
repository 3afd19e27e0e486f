from __future__ import annotations

from typing import Any

import pytest

from droplets.rows import Row
from droplets.schema import Droplet, Size, Text
from droplets.totals import Totals


def row(id_: int, status: str = "active", **fields: Any) -> Row:
    return Row.of(Droplet(id=id_, status=Text(status), **fields))


# Works


def test_it_adds_up() -> None:
    rows = [
        row(1, vcpus=4, memory=8192, disk=160, size=Size(price_monthly=48.0)),
        row(2, vcpus=1, memory=512, disk=10, size=Size(price_monthly=4.0)),
    ]

    totals = Totals.of(rows)

    assert (totals.droplets, totals.vcpus, totals.memory, totals.disk, totals.monthly) == (2, 5, 8704, 170, 52.0)


def test_it_counts_by_status_and_lays_out_a_bar() -> None:
    totals = Totals.of([row(1), row(2), row(3), row(4, "off")])

    assert [(share.status.slug, share.count) for share in totals.by_status] == [("active", 3), ("off", 1)]
    assert [(share.start, share.width) for share in totals.by_status] == [("0.000%", "75.000%"), ("75.000%", "25.000%")]


# Handles


def test_a_status_of_one_in_thousands_can_still_be_seen() -> None:
    totals = Totals.of([*(row(i) for i in range(1, 5000)), row(5000, "off")])

    widths = [float(share.width.rstrip("%")) for share in totals.by_status]
    assert widths[1] > 1
    assert sum(widths) == pytest.approx(100, abs=0.01)


def test_what_is_not_told_adds_nothing() -> None:
    totals = Totals.of([row(1), row(2, vcpus=2)])

    assert (totals.vcpus, totals.memory, totals.monthly) == (2, 0, 0)


def test_nothing_adds_up_to_nothing() -> None:
    assert Totals.of([]).by_status == ()
