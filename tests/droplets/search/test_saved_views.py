from __future__ import annotations

import re
from functools import partial
from uuid import uuid4

import pytest
from django.http import HttpResponse

from droplets.models import SavedView
from droplets.search import saved_views
from tests.droplets.views.page import Page
from tests.support.at_once import at_once, tab
from tests.support.person import Person


@pytest.fixture
def fleet(alice: Person) -> Person:
    """Alice, with a team of ten droplets."""
    alice.connect("Side projects")
    alice.sandbox.droplets("Side projects", count=10)
    alice.client.get("/accounts/3rdparty/")
    return alice


def save(person: Person, name: str, query: str = "status=off") -> HttpResponse:
    return person.client.post("/droplets/views/", {"name": name, "query": query})


def visit(person: Person, query: str = "") -> Page:
    return Page(person.client.get(f"/droplets/{query}"))


# Works


def test_a_search_gets_a_name_and_stands_beside_the_fleet(fleet: Person) -> None:
    answer = save(fleet, "  Switched off ", "sort=-age&status=off&page=3&nonsense=1")

    assert (answer.status_code, answer["Location"]) == (302, "/droplets/?status=off&sort=-age&page=3")
    page = visit(fleet)
    assert "Saved the view “Switched off”." in page.text
    [link] = [attrs for tag, attrs in page.tags if attrs.get("title") == "Switched off"]
    assert link["href"] == "/droplets/?status=off&sort=-age"
    assert "aria-current" not in link


def test_the_one_that_is_shown_is_marked(fleet: Person) -> None:
    save(fleet, "Off")

    [link] = [attrs for tag, attrs in visit(fleet, "?status=off").tags if tag == "a" and attrs.get("title") == "Off"]

    assert link["aria-current"] == "page"


def test_a_name_that_is_used_already_takes_the_new_search(fleet: Person) -> None:
    save(fleet, "Mine", "status=off")
    save(fleet, "Mine", "q=web")

    assert [(view.name, view.query) for view in saved_views.views_of(fleet.user)] == [("Mine", "q=web")]
    assert "Replaced the view “Mine”." in visit(fleet).text


def test_they_stand_by_name_as_people_count(fleet: Person) -> None:
    for name in ("web 10", "Web 2", "api"):
        save(fleet, name)

    shown = re.findall(r'title="([^"]+)"[^>]*><bdi>(?:web|Web|api)', visit(fleet).html)

    assert shown == ["api", "Web 2", "web 10"]


def test_a_search_that_no_address_has_room_for_is_not_saved(fleet: Person) -> None:
    query = "&".join(f"tag={number}{'x' * 250}" for number in range(80))

    answer = save(fleet, "Much", query)

    assert answer.status_code == 422
    assert "too many filters to be saved" in Page(answer).text
    assert saved_views.views_of(fleet.user) == []


def test_a_view_is_deleted(fleet: Person) -> None:
    save(fleet, "Off")
    [view] = saved_views.views_of(fleet.user)

    answer = fleet.client.post(f"/droplets/views/{view.pk}/delete/", {"query": "q=web"})

    assert (answer.status_code, answer["Location"]) == (302, "/droplets/?q=web")
    assert saved_views.views_of(fleet.user) == []
    assert "Deleted the view “Off”." in visit(fleet).text


def test_views_go_with_their_person(fleet: Person) -> None:
    save(fleet, "Off")

    fleet.user.delete()

    assert not SavedView.objects.exists()


# Refuses


def test_somebody_elses_view_is_not_there(fleet: Person, bob: Person) -> None:
    save(fleet, "Off")
    [view] = saved_views.views_of(fleet.user)

    assert bob.client.post(f"/droplets/views/{view.pk}/delete/").status_code == 404
    assert bob.client.post(f"/droplets/views/{uuid4()}/delete/").status_code == 404
    assert saved_views.views_of(fleet.user) == [view]
    assert 'title="Off"' not in visit(bob).html


def test_looking_changes_nothing(fleet: Person) -> None:
    save(fleet, "Off")
    [view] = saved_views.views_of(fleet.user)

    assert fleet.client.get("/droplets/views/").status_code == 405
    assert fleet.client.get(f"/droplets/views/{view.pk}/delete/").status_code == 405


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "Give the view a name."),
        ("   ", "Give the view a name."),
        ("x" * 61, "Use at most 60 characters."),
        ("a\x1bb", "characters that cannot be shown"),
        ("a\u202eb", "characters that cannot be shown"),
        ("a\x00b", "Null characters are not allowed."),
    ],
)
def test_a_bad_name_is_explained_and_nothing_is_lost(fleet: Person, name: str, sentence: str) -> None:
    answer = save(fleet, name, "q=web&status=off")

    page = Page(answer)
    assert answer.status_code == 422
    assert sentence in page.text
    assert saved_views.views_of(fleet.user) == []
    [field] = [attrs for tag, attrs in page.tags if attrs.get("id") == "view-name"]
    assert field["aria-invalid"] == "true"
    assert field["value"].strip() == name.strip().replace("\x00", "\ufffd") or "\x00" in name
    assert any(attrs.get("name") == "q" and attrs.get("value") == "web" for tag, attrs in page.tags if tag == "input")


def test_there_are_so_many_and_no_more(fleet: Person) -> None:
    SavedView.objects.bulk_create(SavedView(user=fleet.user, name=f"{number}") for number in range(saved_views.MOST))

    answer = save(fleet, "one more")

    assert answer.status_code == 422
    assert "the most that one person can have" in Page(answer).text
    assert save(fleet, "7", "q=seven").status_code == 302  # one that is there can still be replaced


# Handles


@pytest.mark.django_db(transaction=True)
def test_a_double_click_makes_one(fleet: Person) -> None:
    answers = at_once(*[partial(save, tab(fleet), "Off") for _ in range(4)])

    assert {answer.status_code for answer in answers} == {302}
    assert len(saved_views.views_of(fleet.user)) == 1


def test_a_hostile_name_is_shown_as_text(fleet: Person) -> None:
    save(fleet, "<script>alert(1)</script>")

    page = visit(fleet)

    assert "<script>alert" not in page.html
    assert all("src" in attrs for tag, attrs in page.tags if tag == "script")
