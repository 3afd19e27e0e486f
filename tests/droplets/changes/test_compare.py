from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from droplets.changes.compare import Difference, compare
from droplets.fleet.summary import DropletSummary
from droplets.models import Change
from tests.droplets.factories import item

Kind = Change.Kind


def droplet(id_: int, name: str = "web-1", **fields: Any) -> DropletSummary:
    return item(id_, name, **fields).droplet


def differences(first: dict[str, Any], second: dict[str, Any]) -> list[tuple[Kind, str, str]]:
    """Of one droplet, without its id and name."""
    return [found[2:] for found in compare([droplet(1, **first)], [droplet(1, **second)])]


# Works


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"name": "web-1"}, {"name": "web-2"}, (Kind.RENAMED, "web-1", "web-2")),
        ({"size_slug": "s-1vcpu-1gb"}, {"size_slug": "s-2vcpu-4gb"}, (Kind.RESIZED, "s-1vcpu-1gb", "s-2vcpu-4gb")),
        ({"status": "off"}, {"status": "active"}, (Kind.POWERED_ON, "Off", "Active")),
        ({"status": "active"}, {"status": "off"}, (Kind.POWERED_OFF, "Active", "Off")),
        ({"status": "new"}, {"status": "active"}, (Kind.STATUS, "New", "Active")),
        ({"public": ("192.0.2.1",)}, {"public": ("192.0.2.2",)}, (Kind.ADDRESSES, "192.0.2.1", "192.0.2.2")),
        ({}, {"private": ("10.0.0.1",)}, (Kind.ADDRESSES, "", "10.0.0.1")),
        ({"tags": ("b", "a")}, {"tags": ()}, (Kind.TAGS, "a, b", "")),
        ({"monthly": 6.0}, {"monthly": 1234.5}, (Kind.PRICE, "$6.00 a month", "$1,234.50 a month")),
    ],
)
def test_what_has_changed(before: dict[str, Any], after: dict[str, Any], expected: tuple[Kind, str, str]) -> None:
    assert differences(before, after) == [expected]


def test_a_droplet_that_came_and_one_that_went() -> None:
    found = compare([droplet(1, "old", public=("192.0.2.1",))], [droplet(2, "new", public=("192.0.2.2",))])

    assert found == [
        Difference(1, "old", Kind.GONE, "192.0.2.1", ""),
        Difference(2, "new", Kind.APPEARED, "", "192.0.2.2"),
    ]


def test_another_droplet_of_the_same_name_is_another_one() -> None:
    found = compare([droplet(1, "web-1")], [droplet(2, "web-1")])

    assert [(each.droplet, each.kind) for each in found] == [(1, Kind.GONE), (2, Kind.APPEARED)]


def test_several_changes_of_one_droplet() -> None:
    found = differences({"size_slug": "a", "monthly": 6.0, "status": "off"}, {"size_slug": "b", "monthly": 12.0})

    assert [kind for kind, *_ in found] == [Kind.RESIZED, Kind.POWERED_ON, Kind.PRICE]


# Refuses


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"tags": ("Web", "db")}, {"tags": ("db", "web")}),  # order and case do not count
        ({"public": ("192.0.2.1", "2001:db8::1")}, {"public": ("2001:db8::1", "192.0.2.1")}),
        ({"status": "active"}, {"status": ""}),  # not sent
        ({"size_slug": ""}, {"size_slug": "s-1vcpu-1gb"}),
        ({"monthly": None}, {"monthly": 6.0}),
        ({"locked": True}, {"locked": False}),
        ({"region": "Frankfurt"}, {"region": ""}),
    ],
)
def test_what_is_no_change(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert differences(before, after) == []


# Handles


def test_long_texts_are_cut() -> None:
    [(_, _, after)] = differences({}, {"tags": tuple(f"tag-{number}" for number in range(500))})

    assert len(after) == 1_000
    assert after.endswith("…")


summaries = st.builds(
    droplet,
    st.integers(1, 12),
    st.sampled_from(["web-1", "web-2", "ä" * 3]),
    status=st.sampled_from(["active", "off", "new", "archive", "", "odd"]),
    size_slug=st.sampled_from(["", "s-1vcpu-1gb", "s-2vcpu-4gb"]),
    public=st.lists(st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8::1"]), max_size=3).map(tuple),
    tags=st.lists(st.text(max_size=3), max_size=3).map(tuple),
    monthly=st.one_of(st.none(), st.floats(0, 10_000)),
)
readings = st.lists(summaries, max_size=12, unique_by=lambda each: each.id)


@given(readings)
def test_a_reading_and_itself_do_not_differ(reading: list[DropletSummary]) -> None:
    assert compare(reading, [replace(each) for each in reversed(reading)]) == []


@given(readings, readings)
def test_each_droplet_has_one_difference_of_a_kind(first: list[DropletSummary], second: list[DropletSummary]) -> None:
    found = compare(first, second)

    assert len({(each.droplet, each.kind) for each in found}) == len(found)
    assert {each.droplet for each in found if each.kind == Kind.APPEARED} == {d.id for d in second} - {
        d.id for d in first
    }
    assert {each.droplet for each in found if each.kind == Kind.GONE} == {d.id for d in first} - {d.id for d in second}


@given(readings, readings)
def test_the_way_back_has_as_many(first: list[DropletSummary], second: list[DropletSummary]) -> None:
    assert len(compare(first, second)) == len(compare(second, first))


@given(readings, readings)
def test_every_text_can_be_stored(first: list[DropletSummary], second: list[DropletSummary]) -> None:
    assert all(len(each.before) <= 1_000 and len(each.after) <= 1_000 for each in compare(first, second))
