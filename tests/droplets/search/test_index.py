from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address
from itertools import pairwise
from typing import Any

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from droplets.fleet.items import FleetItem
from droplets.search.facets import FOLDED, SHOWN, FacetValue
from droplets.search.index import SearchIndex
from droplets.search.query import COLUMNS, FILTERS, LONGEST, Search
from tests.droplets.factories import TEAMS, item

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
INDEX = SearchIndex([DB, WEB_10, WEB])


def names(index: SearchIndex = INDEX, **fields: Any) -> list[str]:
    return [found.droplet.name for found in index.find(Search(**fields)).items]


def counts(name: str, **fields: Any) -> dict[str, int]:
    return {value.label: value.count for value in facet(name, **fields)}


def facet(name: str, **fields: Any) -> tuple[FacetValue, ...]:
    return next(found.values for found in INDEX.find(Search(**fields)).facets if found.name == name)


# Works


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("", ["DB-10", "web-2", "web-10"]),
        ("web", ["web-2", "web-10"]),
        ("WEB", ["web-2", "web-10"]),
        ("db", ["DB-10"]),  # though 2001:db8::9 has it
        ("db8:", ["web-2"]),
        ("113.10", ["DB-10"]),
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


def test_values_stand_by_their_counts_then_as_people_count_and_statuses_as_documented() -> None:
    statuses = ["odd", "archive", "off", "off", "new", "active"]
    many = SearchIndex([item(number, status=status, tags=(f"v{number}",)) for number, status in enumerate(statuses, 8)])
    more = SearchIndex([*many.items, item(99, status="off", tags=("v10",))])

    values = {facet.name: [value.value for value in facet.values] for facet in more.find(Search()).facets}
    assert values["tag"] == ["v10", "v8", "v9", "v11", "v12", "v13"]
    assert values["status"] == ["active", "off", "new", "archive", "odd"]


def test_a_value_that_nobody_has_can_be_taken_back() -> None:
    [*_, nobody] = facet("tag", tag=("nobody",))

    assert (nobody.value, nobody.count, nobody.selected, nobody.query) == ("nobody", 0, True, "")


def test_a_team_without_droplets_is_listed_with_its_state() -> None:
    index = SearchIndex([item(1)], TEAMS)

    [found] = [facet for facet in index.find(Search(), {"side": "not read"}).facets if facet.name == "team"]
    assert [(value.label, value.count, value.state, value.team) for value in found.values] == [
        ("Acme Web", 1, "", TEAMS[0]), ("Northwind", 0, "", TEAMS[1]), ("Side projects", 0, "not read", TEAMS[2]),
    ]  # fmt: skip


def test_tags_that_differ_in_case_are_one() -> None:
    index = SearchIndex(
        [item(1, tags=("Prod",)), item(2, team=1, tags=("prod", "db")), item(3, team=2, tags=("prod",))]
    )

    for query in ("tag=prod", "tag=Prod"):
        found = index.find(Search.from_query(QueryDict(query)))
        assert [each.droplet.id for each in found.items] == [1, 2, 3]
        [tags] = [facet for facet in found.facets if facet.name == "tag"]
        assert [(value.label, value.count, value.selected) for value in tags.values] == [
            ("prod", 3, True), ("db", 1, False),
        ]  # fmt: skip


def test_long_filters_are_folded_and_what_is_selected_stands_open() -> None:
    many = SearchIndex([item(number, tags=(f"tag-{number:03}",)) for number in range(1, 200)])

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


def test_equals_stand_by_name_and_id_either_way() -> None:
    same = [item(3, "b"), item(2, "b"), item(4, "A-10"), item(1, "a-9"), item(5, "b", team=1)]

    for sort, ids in {"name": [1, 4, 2, 3, 5], "-name": [2, 3, 5, 4, 1], "-status": [1, 4, 2, 3, 5],
                      "-team": [5, 1, 4, 2, 3], "-monthly": [1, 4, 2, 3, 5]}.items():  # fmt: skip
        assert [found.droplet.id for found in SearchIndex(same).find(Search(sort=sort)).items] == ids


def test_totals_are_of_what_is_found() -> None:
    found = INDEX.find(Search(tag=("env:prod",)))

    assert (found.totals.droplets, found.totals.vcpus, found.totals.monthly, found.total) == (2, 3, 18.0, 3)


def test_a_page_is_cut_out_of_any_order() -> None:
    found = INDEX.find(Search(sort="-name")).items

    assert [each.droplet.name for each in found[1:3]] == ["web-2", "DB-10"]
    assert found[0].droplet.name == "web-10"


# Handles


def test_nothing_is_found_in_nothing() -> None:
    found = SearchIndex([]).find(Search(q="x", status=("off",)))

    assert (len(found.items), found.total, found.totals.droplets) == (0, 0, 0)


def test_an_address_that_is_none_comes_last() -> None:
    odd = SearchIndex([item(1, "a", public=("nonsense",)), item(2, "b", public=("203.0.113.1",)), item(3, "c")])

    assert names(odd, sort="address") == ["b", "a", "c"]


def test_what_no_address_could_ask_for_is_no_value() -> None:
    odd = SearchIndex(
        [item(1, tags=("", " ", "x" * (LONGEST + 1), "web", "web"), status="", region_slug="", size_slug="")]
    )

    listed = [(facet.name, value.value, value.count) for facet in odd.find(Search()).facets for value in facet.values]
    assert listed == [("team", "acme", 1), ("tag", "web", 1)]


def test_one_id_in_two_teams_is_two_droplets_in_the_same_order_every_time() -> None:
    twins = [item(1, "web", team=1), item(1, "web", team=0)]

    for given_ in (twins, twins[::-1]):
        assert [found.team.key for found in SearchIndex(given_).items] == ["acme", "north"]


def test_threads_may_share_it() -> None:
    shared = SearchIndex([item(number, f"web-{number}", tags=(f"tag-{number % 7}",)) for number in range(500)])
    asked = [Search(q="web 1", sort=sort, tag=("tag-1",)) for key, _ in COLUMNS for sort in (key, f"-{key}")]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(shared.find, asked * 4))

    assert found == [SearchIndex(shared.items).find(search) for search in asked * 4]


STATUSES = ["active", "off", "new", "archive", "odd", ""]
SOME = st.builds(
    lambda id_, name, team, region, size, tags, **fields: item(
        id_, name, team=team, region=region, region_slug=region, vcpus=size, memory=size and 1024 * size,
        size_slug=f"s-{size}" if size else "", tags=tuple(tags), **fields,
    ),
    st.integers(1, 99), st.sampled_from(["web-1", "web-2", "db", "x"]), st.integers(0, 2),
    st.sampled_from(["fra1", "nyc3", ""]), st.sampled_from([None, 1, 2]),
    st.lists(st.sampled_from(["a", "b", "c"]), max_size=3, unique=True),
    status=st.sampled_from(STATUSES), monthly=st.sampled_from([None, 6.0, 12.0]),
    public=st.sampled_from([(), ("203.0.113.9",), ("203.0.113.10", "2001:db8::9"), ("2001:db8::10",)]),
    private=st.sampled_from([(), ("10.0.0.9",)]), image=st.sampled_from(["", "Ubuntu 24.04"]),
    created_at=st.sampled_from([None, datetime(2020, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)]),
)  # fmt: skip
ASKED = st.builds(
    Search, q=st.sampled_from(["", "web", "web 1", "b", "113.9", "24.04 x", "2001:DB8", "zzz"]),
    sort=st.sampled_from([key for key, _ in COLUMNS]),
    team=st.lists(st.sampled_from([team.key for team in TEAMS]), unique=True, max_size=2).map(tuple),
    status=st.lists(st.sampled_from(["active", "off", "odd"]), unique=True, max_size=2).map(tuple),
    region=st.lists(st.sampled_from(["fra1", "nyc3"]), unique=True, max_size=1).map(tuple),
    size=st.lists(st.sampled_from(["s-1", "s-2"]), unique=True, max_size=1).map(tuple),
    tag=st.lists(st.sampled_from(["a", "b", "c"]), unique=True, max_size=2).map(tuple),
)  # fmt: skip


@given(st.lists(SOME, max_size=20), ASKED)
def test_it_finds_what_a_plain_reading_of_the_rules_finds(items: list[FleetItem], search: Search) -> None:
    found = SearchIndex(items).find(search)

    def identities(some: Any) -> Counter[tuple[Any, ...]]:
        return Counter((each.droplet, each.team) for each in some)

    assert identities(found.items) == identities(each for each in items if fits(each, search))
    for facet in found.facets:
        others = replace(search, **{facet.name: ()})
        for value in (*facet.values, *facet.more):
            fitting = [each for each in items if fits(each, others) and value.value in has(each, facet.name)]
            assert value.count == len(fitting)


def fits(each: FleetItem, search: Search) -> bool:
    droplet = each.droplet
    texts = [droplet.name, *droplet.tags, str(droplet.id), droplet.image]
    addresses = [*droplet.public, *droplet.private]

    def has_word(word: str) -> bool:
        maybe_address = ":" in word or not word.strip("0123456789.")
        return any(word in text.casefold() for text in (*texts, *(addresses if maybe_address else ())))

    return all(map(has_word, search.words)) and all(
        not getattr(search, name) or set(getattr(search, name)) & set(has(each, name)) for name in FILTERS
    )


def has(each: FleetItem, name: str) -> tuple[str, ...]:
    droplet = each.droplet
    return {
        "team": (each.team.key,), "status": (droplet.status,), "region": (droplet.region_slug,),
        "size": (droplet.size_slug,),
        "tag": droplet.tags,
    }[name]  # fmt: skip


@given(st.lists(SOME, max_size=12), st.sampled_from([key for key, _ in COLUMNS]), st.booleans())
def test_an_order_is_that_of_the_column_then_of_names_then_of_ids(
    items: list[FleetItem], key: str, turned: bool
) -> None:
    found = [shown(each, key) for each in SearchIndex(items).find(Search(sort="-" * turned + key)).items]

    for (value, *rest), (next_value, *next_rest) in pairwise(found):
        if value == next_value:
            assert rest <= next_rest
        elif value is None or next_value is None:
            assert next_value is None
        else:
            assert (value > next_value) is turned


def shown(each: FleetItem, key: str) -> tuple[Any, ...]:
    """What stands in a column, or None where that is not known, and what parts equals."""
    droplet = each.droplet
    value: Any = {
        "name": droplet.name, "status": STATUSES.index(droplet.status), "team": each.team.name,
        "region": droplet.region_slug or None,
        "size": None if droplet.vcpus is None else (droplet.vcpus, droplet.memory), "tags": droplet.tags or None,
        "address": int(ip_address(droplet.address)) if droplet.address else None, "monthly": droplet.monthly,
        "age": droplet.created_at and -droplet.created_at.timestamp(),
    }[key]  # fmt: skip
    return value, droplet.name, droplet.id
