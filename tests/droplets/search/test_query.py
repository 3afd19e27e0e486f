from __future__ import annotations

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from droplets.search.query import FILTERS, Search


def search(query: str = "") -> Search:
    return Search.from_query(QueryDict(query))


# Works


def test_it_reads_what_is_asked_for() -> None:
    found = search("q=web+1&status=off&status=new&region=fra1&team=t&tag=env:prod&size=s&sort=-age&page=3&per_page=100")

    assert found == Search(
        q="web 1", status=("new", "off"), region=("fra1",), team=("t",), tag=("env:prod",), size=("s",),
        sort="-age", page=3, per_page=100,
    )  # fmt: skip
    assert found.sorted_by == ("age", True)
    assert found.words == ("web", "1")


def test_its_own_query_leaves_out_what_is_as_usual() -> None:
    assert search().query() == ""
    assert search("page=1&per_page=50&sort=name&q=").query() == ""
    assert search("tag=b&status=off&q=x").query() == "q=x&status=off&tag=b"


def test_all_that_ask_for_the_same_have_one_query() -> None:
    asked = ("tag=b&tag=a&status=off&q=web++1", "q=+web%09+1&status=off&tag=a&tag=b&tag=a&page=1&x=y")

    assert {search(query).query() for query in asked} == {"q=web+1&status=off&tag=a&tag=b"}


def test_any_change_but_of_the_page_leads_to_the_first_page() -> None:
    found = search("q=x&page=4")

    assert found.query(sort="age") == "q=x&sort=age"
    assert found.query(page=5) == "q=x&page=5"


def test_a_value_is_put_in_and_taken_out() -> None:
    found = search("status=off&status=new")

    assert found.toggled("status", "off") == "status=new"
    assert found.toggled("status", "active") == "status=active&status=new&status=off"


def test_a_column_is_sorted_one_way_then_the_other() -> None:
    assert search().sorted_on("age") == "sort=age"
    assert search("sort=age").sorted_on("age") == "sort=-age"
    assert search("sort=-age").sorted_on("age") == "sort=age"
    assert search().sorted_on("name") == "sort=-name"


def test_clearing_keeps_the_order() -> None:
    assert search("q=x&status=off&sort=-age&per_page=200").cleared == "sort=-age&per_page=200"


# Handles


@pytest.mark.parametrize("query", ["page=0", "page=-3", "page=x", "page=1.5", "page=%C2%B2", "page=%D9%A3", "page="])
def test_a_senseless_page_is_the_first(query: str) -> None:
    assert search(query).page == 1


@pytest.mark.parametrize("query", ["per_page=10", "per_page=51", "per_page=999999", "per_page=x", "sort=", "sort=x"])
def test_nonsense_is_as_if_it_were_not_there(query: str) -> None:
    assert search(query) == Search()


def test_values_are_bounded_cleaned_and_told_once() -> None:
    assert search("tag=a&tag=a&tag=&tag=+&tag=%00b&tag=%09").tag == ("a", "b")
    assert len(search("&".join(f"tag={number}" for number in range(999))).tag) == 50
    assert len(search(f"q={'x' * 5000}").q) == 255
    assert search("page=" + "9" * 5000).page == 999_999_999


def test_what_cannot_be_seen_is_dropped_and_any_space_parts_words() -> None:
    assert search("q=%E2%80%AEweb%00%C2%A01%0D%0A").words == ("web", "1")
    assert search("q=%C3%28").q == "\ufffd("


def test_a_value_keeps_the_spaces_that_it_has() -> None:
    assert search("tag=+two++words+").tag == (" two  words ",)


@given(st.dictionaries(st.sampled_from([*FILTERS, "q", "sort", "page", "per_page", "other"]),
                       st.lists(st.text(max_size=30), max_size=4)))  # fmt: skip
def test_whatever_is_asked_its_own_query_asks_for_the_same(asked: dict[str, list[str]]) -> None:
    query = QueryDict(mutable=True)
    for name, values in asked.items():
        query.setlist(name, values)

    found = Search.from_query(query)

    assert Search.from_query(QueryDict(found.query(page=found.page))) == found
