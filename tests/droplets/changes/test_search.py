from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Connection
from droplets.changes.search import ChangeSearch, Timeline
from droplets.models import Change
from tests.support.person import Person

Kind = Change.Kind


def store(connection: Connection, **fields: Any) -> Change:
    given: dict[str, Any] = {
        "team_key": connection.team_key, "team_name": connection.team_name, "droplet_id": 1, "droplet_name": "web-1",
        "kind": Kind.TAGS, "before": "", "after": "", "since": timezone.now(), "at": timezone.now(),
    }  # fmt: skip
    return Change.objects.create(**given | fields)


@pytest.fixture
def acme(alice: Person) -> Connection:
    return alice.connect("Acme Web")


def names(viewer: Person, **search: Any) -> list[str]:
    found = Timeline(viewer.user).find(ChangeSearch.from_query(search))
    return list(found.values_list("droplet_name", flat=True))


# Works


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ({}, ["cache", "db", "web"]),
        ({"q": "WE"}, ["web"]),
        ({"q": "blue"}, ["web"]),
        ({"q": "blue red"}, ["web"]),
        ({"q": "22"}, ["db"]),
        ({"kind": "renamed"}, ["db"]),
        ({"droplet": "33"}, ["cache"]),
        ({"person": "me"}, ["web"]),
        ({"person": "conveyor"}, ["db", "web"]),
        ({"person": "outside"}, ["cache"]),
        ({"first": "2026-03-02"}, ["cache", "db"]),
        ({"last": "2026-03-02"}, ["db", "web"]),
        ({"first": "2026-03-02", "last": "2026-03-02"}, ["db"]),
    ],
)
def test_filters(alice: Person, acme: Connection, search: dict[str, str], expected: list[str]) -> None:
    def at(day: int) -> datetime:
        return datetime(2026, 3, day, 23, 59, tzinfo=UTC)

    store(acme, droplet_id=11, droplet_name="web", before="red", after="Blue", at=at(1), action_id=uuid4(),
        user=alice.user)  # fmt: skip
    store(acme, droplet_id=22, droplet_name="db", kind=Kind.RENAMED, at=at(2), action_id=uuid4())
    store(acme, droplet_id=33, droplet_name="cache", at=at(3))

    assert names(alice, **search) == expected


def test_the_filter_by_team(alice: Person, acme: Connection) -> None:
    store(acme, droplet_name="a")
    store(alice.connect("Northwind"), droplet_name="b")

    assert names(alice) == ["b", "a"]
    assert names(alice, team=acme.team_key) == ["a"]


def test_a_colleague(alice: Person, bob: Person) -> None:
    hers = alice.connect("Northwind")
    bob.connect("Northwind")
    change = store(hers, action_id=uuid4(), user=alice.user)

    assert Timeline(alice.user).who(change) == "You"
    assert Timeline(bob.user).who(change) == "ada@acme.example"
    assert names(bob, person=str(alice.user.pk)) == ["web-1"]
    change.user = None
    assert Timeline(bob.user).who(change) == "A deleted account"


@pytest.mark.parametrize("size", [1, 2, 3, 10])
def test_pages_there_and_back(alice: Person, acme: Connection, size: int) -> None:
    ids = [store(acme, droplet_id=number).pk for number in range(7)][::-1]
    timeline, search = Timeline(alice.user), ChangeSearch()

    page = timeline.page(search, size=size)
    pages = [page]
    while page.older:
        page = timeline.page(search, before=page.older, size=size)
        pages.append(page)
    back = [page]
    while page.newer:
        page = timeline.page(search, after=page.newer, size=size)
        back.append(page)

    shown = [[each.pk for each in each_page.changes] for each_page in pages]
    assert [pk for each in shown for pk in each] == ids
    assert sorted(pk for each in back for pk in [row.pk for row in each.changes]) == sorted(ids)
    assert [each.pk for each in timeline.everything(search)] == ids


# Refuses


def test_another_team_cannot_be_asked_for(alice: Person, bob: Person, acme: Connection) -> None:
    store(acme)
    bob.connect("Northwind")

    assert names(bob, team=acme.team_key) == []
    assert names(bob) == []


# Handles


@given(st.dictionaries(st.sampled_from(["q", "team", "droplet", "kind", "person", "first", "last"]), st.text()))
def test_any_query_string(query: dict[str, str]) -> None:
    search = ChangeSearch.from_query(query)

    assert ChangeSearch.from_query(dict(parse_qsl(search.query()))) == search


@pytest.mark.parametrize("day", ["", "yesterday", "0001-01-01", "9999-12-31", "2026-02-30"])
def test_a_day_that_makes_no_sense(day: str) -> None:
    assert ChangeSearch.from_query({"first": day, "last": day}) == ChangeSearch()


def test_a_change_far_in_the_future_is_found(alice: Person, acme: Connection) -> None:
    store(acme, at=timezone.now() + timedelta(days=1000))

    assert names(alice, first=str(date(2026, 1, 1))) == ["web-1"]
