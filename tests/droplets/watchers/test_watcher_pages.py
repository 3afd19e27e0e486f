"""The pages of watchers."""

from __future__ import annotations

from datetime import time

import pytest

from droplets.models import SavedView, Watcher
from tests.droplets.views.page import Page
from tests.droplets.watchers.watching import Watching
from tests.support.person import Person

# Works


def test_without_a_view_the_page_says_what_to_do_first(alice: Person) -> None:
    page = Page(alice.client.get("/watchers/"))

    assert "First save a view" in page.text
    assert "/watchers/add/" not in page.html


def test_a_watcher_is_added_changed_and_deleted(watching: Watching) -> None:
    watcher = watching.add("price", price="250", quiet_from="22:00", quiet_to="07:00", time_zone="Europe/Berlin")
    page = Page(watching.person.client.get("/watchers/"))
    assert (
        "Mine The view costs more than $250.00 a month Email · quiet 22:00 to 07:00, Europe/Berlin Active" in page.text
    )

    watching.send(f"/watchers/{watcher.pk}/", condition="unreadable", minutes="5", quiet_from=None, quiet_to=None)
    watcher.refresh_from_db()
    assert (watcher.condition, watcher.price, watcher.minutes, watcher.quiet_from) == ("unreadable", None, 5, None)

    watching.person.client.post(f"/watchers/{watcher.pk}/delete/")
    page = Page(watching.person.client.get("/watchers/"))
    assert "Deleted the watcher of “Mine”." in page.text
    assert "No watchers" in page.text


def test_the_next_watcher_begins_with_the_hours_of_the_last(watching: Watching) -> None:
    watching.add("new", quiet_from="22:00", quiet_to="07:00", time_zone="Europe/Berlin")

    page = Page(watching.person.client.get(f"/watchers/add/?view={watching.view.pk}"))

    assert 'value="22:00"' in page.html
    assert '<option value="Europe/Berlin" selected>' in page.html
    assert f'<option value="{watching.view.pk}" selected>' in page.html


def test_only_what_is_watched_starts_it_again(watching: Watching) -> None:
    watcher = watching.add("new")
    watching.read()

    watching.send(f"/watchers/{watcher.pk}/", time_zone="Asia/Tokyo")
    watcher.refresh_from_db()
    assert watcher.state is not None
    watching.send(f"/watchers/{watcher.pk}/", condition="gone")

    watcher.refresh_from_db()
    assert watcher.state is None


# Refuses


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"view": None}, "This field is required."),
        ({"condition": "price"}, "Give the monthly price above which you want to be told."),
        ({"condition": "price", "price": "-1"}, "The price cannot be below 0."),
        ({"condition": "price", "price": "NaN"}, "Enter a number."),
        ({"condition": "unreadable"}, "Give the minutes after which you want to be told."),
        ({"condition": "unreadable", "minutes": "0"}, "Choose 1 to 1440 minutes."),
        ({"condition": "sunshine"}, "Select a valid choice."),
        ({"quiet_from": "22:00"}, "Give both times, or neither."),
        ({"quiet_from": "22:00", "quiet_to": "22:00"}, "The quiet hours cannot begin and end at the same time."),
        ({"time_zone": "Mars/Olympus"}, "Select a valid choice."),
        ({"by_email": None}, "Choose an email, a webhook, or both."),
    ],
)
def test_what_is_wrong_is_said(watching: Watching, fields: dict[str, str], error: str) -> None:
    answer = watching.send("/watchers/add/", **fields)

    assert answer.status_code == 422
    assert error in Page(answer).text
    assert not Watcher.objects.exists()


def test_the_view_of_another_person_is_no_choice(watching: Watching, bob: Person) -> None:
    other = SavedView.objects.create(user=bob.user, name="Secret", query="")

    answer = watching.send("/watchers/add/", view=str(other.pk))

    assert answer.status_code == 422
    assert "Secret" not in answer.content.decode()


def test_there_is_a_most(watching: Watching) -> None:
    fields = {"user": watching.person.user, "view": watching.view, "condition": "new", "quiet_from": time(1)}
    Watcher.objects.bulk_create(Watcher(**fields) for _ in range(20))

    answer = watching.send("/watchers/add/")

    assert (answer.status_code, Watcher.objects.count()) == (422, 20)
    assert "You have 20 watchers, the most that one person can have." in Page(answer).text
    assert "the most that one person can have" in Page(watching.person.client.get("/watchers/")).text
