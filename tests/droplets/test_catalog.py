from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from droplets.catalog import Catalog
from droplets.facets import FOLDED, SHOWN, FacetValue, values_of
from droplets.items import Item
from droplets.search import COLUMNS, FILTERS, Search
from tests.droplets.made import TEAMS, item

WEB = item(
    1, "web-2", status="active", region="Frankfurt", region_slug="fra1", size_slug="s-1", vcpus=1, memory=1024, disk=25,
    public=("203.0.113.9", "2001:db8::9"), private=("10.0.0.9",), tags=("web", "env:prod"), image="Ubuntu 24.04",
    monthly=6.0, created_at=datetime(2024, 1, 1, tzinfo=UTC),
)  # fmt: skip
DB = item(
    2, "DB-10", team=1, status="off", region="New York", region_slug="nyc3", size_slug="s-2", vcpus=2, memory=2048,
    disk=50, public=("203.0.113.10",), tags=("db", "env:prod"), image="Debian 12", monthly=12.0,
    created_at=datetime(2020, 1, 1, tzinfo=UTC),
)  # fmt: skip
WEB_10 = item(3, "web-10", team=1, status="active", region="New York", region_slug="nyc1", size_slug="s-1")
CATALOG = Catalog([DB, WEB_10, WEB])


def names(catalog: Catalog = CATALOG, **fields: Any) -> list[str]:
    return [found.row.name for found in catalog.find(Search(**fields)).items]


def counts(name: str, **fields: Any) -> dict[str, int]:
    return {value.label: value.count for value in facet(name, **fields)}


def facet(name: str, **fields: Any) -> tuple[FacetValue, ...]:
    return next(found.values for found in CATALOG.find(Search(**fields)).facets if found.name == name)


# Works


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("", ["DB-10", "web-2", "web-10"]),
        ("web", ["web-2", "web-10"]),
        ("WEB", ["web-2", "web-10"]),
        ("db", ["DB-10", "web-2"]),  # in an address of version 6, too
        ("203.0.113.9", ["web-2"]),
        ("2001:db8", ["web-2"]),
        ("10.0.0.", ["web-2"]),
        ("env:prod", ["DB-10", "web-2"]),
        ("ubuntu", ["web-2"]),
        ("prod web", ["web-2"]),
        ("3", ["DB-10", "web-2", "web-10"]),
        ("nothing-of-the-kind", []),
        ("web-2 web-10", []),
    ],
)
def test_every_word_is_looked_for_in_name_address_tags_id_and_image(q: str, found: list[str]) -> None:
    assert names(q=q) == found


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"status": ("off",)}, ["DB-10"]),
        ({"status": ("off", "active")}, ["DB-10", "web-2", "web-10"]),
        ({"status": ("active",), "team": ("north",)}, ["web-10"]),
        ({"region": ("nyc1", "fra1")}, ["web-2", "web-10"]),
        ({"size": ("s-1",)}, ["web-2", "web-10"]),
        ({"tag": ("env:prod",)}, ["DB-10", "web-2"]),
        ({"tag": ("db", "web")}, ["DB-10", "web-2"]),
        ({"tag": ("env:prod",), "q": "web"}, ["web-2"]),
        ({"tag": ("nobody",)}, []),
    ],
)
def test_of_a_filters_values_one_has_to_fit_and_of_the_filters_all(asked: dict[str, Any], found: list[str]) -> None:
    assert names(**asked) == found


def test_a_value_counts_what_there_would_be_with_all_filters_but_its_own() -> None:
    assert counts("status") == {"Active": 2, "Off": 1}
    assert counts("status", status=("off",)) == {"Active": 2, "Off": 1}
    assert counts("status", team=("acme",)) == {"Active": 1, "Off": 0}
    assert counts("team", status=("off",)) == {"Northwind": 1, "Acme Web": 0}
    assert counts("tag", q="web") == {"env:prod": 1, "db": 0, "web": 1}
    assert counts("region") == {"Frankfurt": 1, "New York (nyc1)": 1, "New York (nyc3)": 1}


def test_values_stand_where_they_stood_whatever_is_ticked() -> None:
    assert [value.value for value in facet("team")] == [value.value for value in facet("team", status=("off",))]


def test_a_value_that_nobody_has_can_be_taken_back() -> None:
    [*_, nobody] = facet("tag", tag=("nobody",))

    assert (nobody.value, nobody.count, nobody.selected, nobody.query) == ("nobody", 0, True, "")


def test_long_filters_are_folded_and_what_is_selected_stands_open() -> None:
    many = Catalog([item(number, tags=(f"tag-{number:03}",)) for number in range(1, 200)])

    [tags] = [found for found in many.find(Search(tag=("tag-050",))).facets if found.name == "tag"]

    assert len(tags.values) == SHOWN + 1
    assert tags.values[-1].value == "tag-050"
    assert len(tags.more) == FOLDED - 1
    assert tags.beyond == 199 - SHOWN - FOLDED


@pytest.mark.parametrize(
    ("sort", "found"),
    [
        ("name", ["DB-10", "web-2", "web-10"]),
        ("-name", ["web-10", "web-2", "DB-10"]),
        ("status", ["web-2", "web-10", "DB-10"]),
        ("team", ["web-2", "DB-10", "web-10"]),
        ("region", ["web-2", "web-10", "DB-10"]),
        ("size", ["web-2", "DB-10", "web-10"]),
        ("-size", ["DB-10", "web-2", "web-10"]),
        ("address", ["web-2", "DB-10", "web-10"]),
        ("-address", ["DB-10", "web-2", "web-10"]),
        ("tags", ["DB-10", "web-2", "web-10"]),
        ("monthly", ["web-2", "DB-10", "web-10"]),
        ("-monthly", ["DB-10", "web-2", "web-10"]),
        ("age", ["web-2", "DB-10", "web-10"]),
        ("-age", ["DB-10", "web-2", "web-10"]),
    ],
)
def test_every_column_sorts_and_what_is_not_known_comes_last(sort: str, found: list[str]) -> None:
    assert names(sort=sort) == found


def test_totals_are_of_what_is_found() -> None:
    found = CATALOG.find(Search(tag=("env:prod",)))

    assert (found.totals.droplets, found.totals.vcpus, found.totals.monthly, found.of) == (2, 3, 18.0, 3)


def test_a_page_is_cut_out_of_any_order() -> None:
    found = CATALOG.find(Search(sort="-name")).items

    assert [each.row.name for each in found[1:3]] == ["web-2", "DB-10"]
    assert found[0].row.name == "web-10"


# Handles


def test_nothing_is_found_in_nothing() -> None:
    found = Catalog([]).find(Search(q="x", status=("off",)))

    assert (len(found.items), found.of, found.totals.droplets) == (0, 0, 0)


def test_an_address_that_is_none_comes_last() -> None:
    odd = Catalog([item(1, "a", public=("nonsense",)), item(2, "b", public=("203.0.113.1",)), item(3, "c")])

    assert names(odd, sort="address") == ["b", "a", "c"]


SOME = st.builds(
    lambda id_, name, team, status, region, size, tags, monthly: item(
        id_, name, team=team, status=status, region_slug=region, size_slug=size, tags=tuple(tags), monthly=monthly
    ),
    st.integers(1, 99), st.sampled_from(["web-1", "web-2", "db", "x"]), st.integers(0, 2),
    st.sampled_from(["active", "off", "odd", ""]), st.sampled_from(["fra1", "nyc3", ""]),
    st.sampled_from(["s", "m", ""]),
    st.lists(st.sampled_from(["a", "b", "c"]), max_size=3), st.sampled_from([None, 6.0, 12.0]),
)  # fmt: skip
ASKED = st.builds(
    Search, q=st.sampled_from(["", "web", "web 1", "b", "zzz"]), sort=st.sampled_from([key for key, _ in COLUMNS]),
    team=st.lists(st.sampled_from([team.key for team in TEAMS]), unique=True, max_size=2).map(tuple),
    status=st.lists(st.sampled_from(["active", "off", "odd"]), unique=True, max_size=2).map(tuple),
    region=st.lists(st.sampled_from(["fra1", "nyc3"]), unique=True, max_size=1).map(tuple),
    size=st.lists(st.sampled_from(["s", "m"]), unique=True, max_size=1).map(tuple),
    tag=st.lists(st.sampled_from(["a", "b", "c"]), unique=True, max_size=2).map(tuple),
)  # fmt: skip


@given(st.lists(SOME, max_size=20), ASKED)
def test_it_finds_what_a_plain_reading_of_the_rules_finds(items: list[Item], search: Search) -> None:
    found = Catalog(items).find(search)

    def identities(some: Any) -> Counter[tuple[Any, ...]]:
        return Counter((each.row, each.team) for each in some)

    assert identities(found.items) == identities(each for each in items if fits(each, search))
    for facet in found.facets:
        others = replace(search, **{facet.name: ()})
        for value in (*facet.values, *facet.more):
            fitting = [each for each in items if fits(each, others) and value.value in values_of(each)[facet.name]]
            assert value.count == len(fitting)


def fits(each: Item, search: Search) -> bool:
    row = each.row
    texts = [row.name, *row.tags, str(row.id), row.image, *row.public, *row.private]
    return all(any(word in text.casefold() for text in texts) for word in search.words) and all(
        not getattr(search, name) or set(getattr(search, name)) & set(values_of(each)[name]) for name in FILTERS
    )
