from __future__ import annotations

import pytest

from droplets.search.totals import MOST_BARS, Totals
from tests.droplets.factories import item

# Works


def test_it_adds_up() -> None:
    totals = Totals.from_items(
        [item(1, vcpus=4, memory=8192, disk=160, monthly=48.0), item(2, vcpus=1, memory=512, disk=10)]
    )

    assert (totals.droplets, totals.vcpus, totals.memory, totals.disk, totals.monthly) == (2, 5, 8704, 170, 48.0)


def test_it_counts_by_status_and_lays_out_a_bar() -> None:
    totals = Totals.from_items([item(1), item(2), item(3), item(4, status="off")])

    assert [(share.key, share.label, share.count) for share in totals.by_status] == [
        ("active", "Active", 3), ("off", "Off", 1),
    ]  # fmt: skip
    assert [(share.start, share.width) for share in totals.by_status] == [("0.000%", "75.000%"), ("75.000%", "25.000%")]


def test_it_tells_what_is_off_and_billed_all_the_same() -> None:
    totals = Totals.from_items(
        [
            item(1, monthly=6.0),
            item(2, status="off", monthly=12.0),
            item(3, status="off", monthly=24.0),
            item(4, status="archive", monthly=48.0),
        ]
    )

    assert (totals.off, totals.off_monthly) == (2, 36.0)


def test_it_counts_by_region_and_team_the_largest_first() -> None:
    totals = Totals.from_items(
        [
            item(1, region="Frankfurt", region_slug="fra1", monthly=6.0),
            item(2, team=1, region="New York", region_slug="nyc3", monthly=12.0),
            item(3, team=1, region="New York", region_slug="nyc3", monthly=12.0),
        ]
    )

    assert [(share.label, share.count, share.monthly, share.width) for share in totals.by_region] == [
        ("New York (nyc3)", 2, 24.0, "100.000%"),
        ("Frankfurt (fra1)", 1, 6.0, "50.000%"),
    ]
    assert [(share.key, share.label, share.look, share.count) for share in totals.by_team] == [
        ("north", "Northwind", "1", 2),
        ("acme", "Acme Web", "0", 1),
    ]


def test_the_small_ones_stand_together() -> None:
    totals = Totals.from_items([item(number, region_slug=f"r{number}", monthly=1.0) for number in range(1, 11)])

    assert len(totals.by_region) == MOST_BARS + 1
    assert (totals.by_region[-1].label, totals.by_region[-1].count, totals.by_region[-1].monthly) == (
        "5 others",
        5,
        5.0,
    )


def test_one_more_than_there_is_room_for_is_named_rather_than_called_others() -> None:
    totals = Totals.from_items([item(number, region_slug=f"r{number}") for number in range(MOST_BARS + 1, 0, -1)])

    assert [share.label for share in totals.by_region] == [f"r{number}" for number in range(1, MOST_BARS + 2)]


# Handles


def test_a_status_of_one_in_thousands_can_still_be_seen() -> None:
    totals = Totals.from_items([*(item(number) for number in range(1, 5000)), item(5000, status="off")])

    widths = [float(share.width.rstrip("%")) for share in totals.by_status]
    assert widths[1] > 1
    assert sum(widths) == pytest.approx(100, abs=0.01)


def test_what_is_not_told_adds_nothing() -> None:
    totals = Totals.from_items([item(1), item(2, vcpus=2)])

    assert (totals.vcpus, totals.memory, totals.monthly) == (2, 0, 0)
    assert [(share.label, share.count) for share in totals.by_region] == [("Unknown", 2)]


def test_nothing_adds_up_to_nothing() -> None:
    totals = Totals.from_items([])

    assert (totals.by_status, totals.by_region, totals.by_team, totals.off) == ((), (), (), 0)
