from __future__ import annotations

import re
from html import unescape

import pytest
from django.db import connection
from django.http import HttpResponse, QueryDict
from django.test.utils import CaptureQueriesContext

from droplets.search.query import COLUMNS
from tests.droplets.views.page import Page
from tests.support.person import Person

HOSTILE = "<script>alert(1)</script>\"'>"


@pytest.fixture
def fleet(alice: Person) -> Person:
    """Alice, with four droplets of two teams."""
    for team, droplets in {
        "Acme Web": [
            {"name": "web-1", "status": "active", "tags": ["web", "env:prod"], "/region/slug": "fra1"},
            {"name": "web-2", "status": "off", "tags": ["web"], "/region/slug": "nyc3", "/size/price_monthly": 96.0},
        ],
        "Northwind": [
            {"name": "db-1", "status": "active", "tags": ["db", "env:prod"], "/region/slug": "fra1"},
            {"name": "db-10", "status": "active", "tags": [HOSTILE], "/region/slug": "fra1"},
        ],
    }.items():
        alice.connect(team)
        alice.sandbox.droplets(team, count=2)
        alice.sandbox.droplets(team, patch=[{"index": index, "set": some} for index, some in enumerate(droplets)])
    alice.client.get("/accounts/3rdparty/")  # reads the messages, so that they are not on the pages below
    return alice


def visit(person: Person, query: str = "") -> Page:
    return Page(person.client.get(f"/droplets/{query}"))


def in_place(person: Person, query: str, current: str = "") -> HttpResponse:
    """As htmx asks, from a page at `current`."""
    headers = {"HX-Request": "true", "HX-Current-URL": f"http://127.0.0.1/droplets/{current}"}
    return person.client.get(f"/droplets/{query}", headers=headers)


# Works


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["db-1", "db-10", "web-1", "web-2"]),
        ("?q=web", ["web-1", "web-2"]),
        ("?q=web+prod", ["web-1"]),
        ("?status=off", ["web-2"]),
        ("?status=off&status=active", ["db-1", "db-10", "web-1", "web-2"]),
        ("?region=fra1&tag=env%3Aprod", ["db-1", "web-1"]),
        ("?sort=-name", ["web-2", "web-1", "db-10", "db-1"]),
        ("?q=web&sort=-status", ["web-2", "web-1"]),
        ("?per_page=100&page=9", ["db-1", "db-10", "web-1", "web-2"]),
    ],
)
def test_the_address_says_what_is_listed(fleet: Person, query: str, names: list[str]) -> None:
    page = visit(fleet, query)

    assert page.status == 200
    assert page.names[: len(names)] == names
    assert len(page.rows) == len(names)


def test_a_team_is_a_filter_by_its_uuid(fleet: Person) -> None:
    page = visit(fleet, f"?team={fleet.sandbox.team('Northwind').uuid}")

    assert [row.split()[0] for row in page.rows] == ["db-1", "db-10"]
    assert "Team: Northwind" in page.text


def test_each_value_tells_what_it_would_show(fleet: Person) -> None:
    page = visit(fleet, "?tag=env%3Aprod")

    assert re.search(r"Status Active 2 Off 0", page.text)
    assert re.search(r"Acme Web 1\b", page.text)
    assert "2 of 4 droplets" in page.text


@pytest.mark.parametrize("query", ["", "status=active", "q=web&region=fra1&tag=web", "size=none-has-this"])
def test_each_count_is_how_many_are_listed_once_the_value_is_ticked_alone(fleet: Person, query: str) -> None:
    counts = re.findall(
        r'name="(\w+)" value="([^"]*)" form="find".*?class="count">([0-9]+)<', visit(fleet, f"?{query}").html, re.DOTALL
    )

    assert {name for name, _, _ in counts} == {"team", "status", "region", "size", "tag"}
    for name, value, count in counts:
        asked = QueryDict(query, mutable=True)
        asked[name] = unescape(value)
        assert len(visit(fleet, f"?{asked.urlencode()}").rows) == int(count), (name, value)


def test_it_works_without_javascript(fleet: Person) -> None:
    page = visit(fleet, "?status=off")

    form = dict(next(attrs for tag, attrs in page.tags if tag == "form" and attrs.get("id") == "find"))
    assert (form["method"], form["action"]) == ("get", "/droplets/")
    ticked = [attrs for tag, attrs in page.tags if tag == "input" and "checked" in attrs]
    assert [(attrs["name"], attrs["value"], attrs["form"]) for attrs in ticked] == [("status", "off", "find")]
    assert "Apply" in page.text


def test_what_is_asked_for_can_be_taken_back(fleet: Person) -> None:
    page = visit(fleet, "?q=web&status=off&sort=-age")

    chips = {attrs["href"] for _, attrs in page.with_class("chip")}
    assert chips == {"/droplets/?q=web&sort=-age", "/droplets/?status=off&sort=-age"}
    assert '"/droplets/?sort=-age"' in page.html  # Clear


def test_heads_sort_and_say_so(fleet: Person) -> None:
    page = visit(fleet, "?sort=-monthly&q=web")

    heads = [attrs for tag, attrs in page.tags if tag == "th" and attrs.get("scope") == "col"]
    assert [attrs.get("aria-sort") for attrs in heads].count("descending") == 1
    assert {attrs["href"] for _, attrs in page.with_class("sort")} >= {
        "/droplets/?q=web&sort=monthly",
        "/droplets/?q=web",
    }


@pytest.mark.parametrize("key", [key for key, _ in COLUMNS])
def test_a_head_leads_to_its_order_and_from_there_to_the_other_way_round(fleet: Person, key: str) -> None:
    up, down = visit(fleet, f"?sort={key}&status=active"), visit(fleet, f"?sort=-{key}&status=active")

    back = "/droplets/?status=active" if key == "name" else f"/droplets/?status=active&sort={key}"
    assert f"/droplets/?status=active&sort=-{key}" in {attrs["href"] for _, attrs in up.with_class("sort")}
    assert back in {attrs["href"] for _, attrs in down.with_class("sort")}
    assert sorted(up.rows) == sorted(down.rows)


def test_nothing_found_says_so_and_offers_everything(fleet: Person) -> None:
    page = visit(fleet, "?q=nothing-of-the-kind&status=off&sort=age")

    assert "Nothing found" in page.text
    assert "None of the 4 droplets has nothing-of-the-kind in its name" in page.text
    assert "Show all 4" in page.text
    assert '"/droplets/?sort=age"' in page.html


def test_what_is_off_but_billed_is_told_with_a_way_there(fleet: Person) -> None:
    page = visit(fleet)

    assert "Off 1 $96.00 1 off, still billed" in page.text
    [(_, note)] = page.with_class("figure-note")
    assert note["href"] == "/droplets/?status=off"


def test_pages_have_three_lengths(alice: Person) -> None:
    alice.connect("Side projects")
    alice.sandbox.droplets("Side projects", count=120)

    assert len(visit(alice).rows) == 50
    page = visit(alice, "?per_page=100&q=-&sort=-age")
    assert len(page.rows) <= 100
    assert {attrs.get("href") for tag, attrs in page.tags if tag == "a"} >= {"/droplets/?q=-&sort=-age"}
    assert len(visit(alice, "?per_page=200").rows) == 120


def test_the_pages_of_what_is_found_miss_none_and_none_is_beyond_the_last(alice: Person) -> None:
    alice.connect("Side projects")
    alice.sandbox.droplets("Side projects", count=120)
    total = int(str(visit(alice, "?q=-").text.split(" of ")[0].split()[-1]))

    pages = [visit(alice, f"?q=-&sort=-age&page={number}") for number in range(1, total // 50 + 2)]

    listed = [link for page in pages for link in page.droplets()]
    assert len(listed) == len(set(listed)) == total
    ways = [{attrs["href"] for tag, attrs in page.tags if tag == "a" and attrs.get("rel") == "next"} for page in pages]
    assert ways[0] == {"/droplets/?q=-&sort=-age&page=2"}
    assert ways[-1] == set()
    assert visit(alice, "?q=-&sort=-age&page=999999999").droplets() == pages[-1].droplets()


def test_htmx_gets_the_part_and_the_address_that_belongs_to_it(fleet: Person) -> None:
    answer = in_place(fleet, "?q=&status=off&per_page=50")

    assert "<html" not in answer.content.decode()
    assert answer["HX-Push-Url"] == "/droplets/?status=off"


def test_a_word_being_typed_is_one_step_of_the_history(fleet: Person) -> None:
    answer = in_place(fleet, "?q=we", "?q=w")

    assert "HX-Push-Url" not in answer
    assert answer["HX-Replace-Url"] == "/droplets/?q=we"


def test_the_way_back_gets_the_whole_page(fleet: Person) -> None:
    headers = {"HX-Request": "true", "HX-History-Restore-Request": "true"}

    assert "<html" in fleet.client.get("/droplets/?q=web", headers=headers).content.decode()


# Handles


@pytest.mark.parametrize(
    "query",
    ["?q=%00%0d%0a", "?status=%F0%9F%98%80", "?sort=../../etc", "?per_page=1e9", "?page=-1", "?q=" + "x" * 3000,
     "?" + "&".join(f"tag={number}" for number in range(900)), "?team=' OR 1=1", "?q[]=1&status[$ne]=x"],
)  # fmt: skip
def test_whatever_the_address_says_there_is_a_page(fleet: Person, query: str) -> None:
    assert visit(fleet, query).status == 200


def test_a_team_that_cannot_be_read_is_asked_for_by_name(fleet: Person) -> None:
    fleet.sandbox.fault("status", path="/v2/droplets$", team="Northwind", status=500)

    page = visit(fleet, f"?team={fleet.sandbox.team('Northwind').uuid}")

    assert page.with_class("trouble")
    assert "Nothing found" in page.text
    assert "Team: Northwind" in page.text
    assert "Northwind not read" in visit(fleet).text  # in the filter
    assert len(visit(fleet, "?q=web").rows) == 2


def test_hostile_words_and_values_are_shown_as_text(fleet: Person) -> None:
    page = visit(fleet, f"?q={HOSTILE}&tag={HOSTILE}&region={HOSTILE}".replace("<", "%3C").replace('"', "%22"))

    assert page.status == 200
    assert all(attrs["src"].startswith("/static/") for tag, attrs in page.tags if tag == "script")
    assert HOSTILE not in page.html


def test_a_page_takes_as_many_queries_whatever_is_on_it(fleet: Person) -> None:
    visit(fleet)
    with CaptureQueriesContext(connection) as few:
        visit(fleet)
    fleet.connect("Side projects")
    fleet.client.get("/accounts/3rdparty/")
    visit(fleet)

    with CaptureQueriesContext(connection) as many:
        visit(fleet)

    assert len(many) == len(few)
