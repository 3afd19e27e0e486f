"""The Activity page of all teams, its downloads and its feed."""

from __future__ import annotations

import csv
import io
import json
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4
from xml.etree import ElementTree

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Connection, User
from droplets.models import ActivityFeed, Change
from tests.droplets.changes.test_search import store
from tests.droplets.views.page import Page
from tests.droplets.watching import TEAM, change, read
from tests.support.person import Person

ATOM = "{http://www.w3.org/2005/Atom}"
PAGE = "/activity/"


@pytest.fixture
def acme(alice: Person) -> Connection:
    return alice.connect(TEAM)


def show(person: Person, query: str = "") -> Page:
    return Page(person.client.get(f"{PAGE}{query}"))


def feed_of(person: Person) -> str:
    """Make an address, and return its path."""
    person.client.post("/activity/feed/")
    [feed] = ActivityFeed.objects.filter(user=person.user)
    page = person.client.get("/activity/feed/").content.decode()
    assert feed.secret in page
    return f"/activity/feed/{feed.secret}/"


# Works


def test_a_rename_at_digitalocean_appears(alice: Person, acme: Connection) -> None:
    read(acme)
    change(alice.sandbox, name="renamed")
    read(acme)

    shown = show(alice).text

    assert "renamed" in shown
    assert "Renamed" in shown
    assert "Outside Conveyor" in shown


def test_a_droplets_own_page_shows_its_changes(alice: Person, acme: Connection) -> None:
    read(acme)
    change(alice.sandbox, id=4711, name="renamed", tags=["blue"])
    read(acme)
    store(acme, droplet_id=4712, after="of another droplet")

    shown = Page(alice.client.get(f"/droplets/{acme.pk}/4711/activity/")).text

    assert "New droplet" in shown
    assert "of another droplet" not in shown


def test_a_droplet_that_is_gone_keeps_its_changes(alice: Person, acme: Connection) -> None:
    store(acme, droplet_id=4712, droplet_name="gone-1", kind=Change.Kind.GONE)

    answer = alice.client.get(f"/droplets/{acme.pk}/4712/activity/")

    assert answer.status_code == 404
    assert "gone-1" in Page(answer).text


def test_older_and_newer(alice: Person, acme: Connection) -> None:
    for number in range(120):
        store(acme, droplet_id=number, droplet_name=f"web-{number}", kind=Change.Kind.RENAMED)

    first = alice.client.get(f"{PAGE}?kind=renamed")
    page = first.context["page"]
    second = alice.client.get(f"{PAGE}?kind=renamed&before={page.older}")

    assert f"?kind=renamed&amp;before={page.older}" in first.content.decode()
    assert [len(each.context["rows"]) for each in (first, second)] == [50, 50]
    assert second.context["page"].newer


def test_csv(alice: Person, acme: Connection) -> None:
    row = store(acme, droplet_name="=1+1", before="a", after="b", action_id=uuid4(), user=alice.user)
    store(acme, kind=Change.Kind.PRICE)

    answer = alice.client.get("/activity.csv?kind=tags")

    [line] = csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig")))
    assert line["droplet"] == "'=1+1"  # no formula
    assert (line["id"], line["team"], line["kind"]) == (str(row.pk), TEAM, "tags")
    assert (line["before"], line["after"], line["through_conveyor"], line["person"]) == ("a", "b", "true", "You")
    assert answer["Content-Disposition"].startswith('attachment; filename="activity-')


def test_json_of_more_than_one_part(alice: Person, acme: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("droplets.changes.search._AT_ONCE", 3)
    ids = [store(acme, droplet_id=number).pk for number in range(7)]

    found = json.loads(alice.client.get("/activity.json").getvalue())["changes"]

    assert [each["id"] for each in found] == ids[::-1]
    assert found[0]["person"] == ""


def test_the_feed_needs_no_log_in(alice: Person, acme: Connection) -> None:
    row = store(acme, droplet_name="<web> & “co”", before="a", after="b")
    path = feed_of(alice)

    answer = Client(SERVER_NAME="127.0.0.1").get(path)

    assert answer["Content-Type"].startswith("application/atom+xml")
    [entry] = ElementTree.fromstring(answer.content).findall(f"{ATOM}entry")
    assert entry.findtext(f"{ATOM}title") == "<web> & “co”: Tags changed"
    assert entry.findtext(f"{ATOM}summary") == "a → b"
    assert (entry.findtext(f"{ATOM}id") or "").endswith(f"#{row.pk}")
    link = entry.find(f"{ATOM}link")
    assert link is not None
    target = urlsplit(link.attrib["href"])
    assert "web" in alice.client.get(f"{target.path}?{target.query}").content.decode()


def test_the_feed_takes_filters(alice: Person, acme: Connection) -> None:
    store(acme)
    store(acme, kind=Change.Kind.PRICE)
    path = feed_of(alice)

    found = ElementTree.fromstring(alice.client.get(f"{path}?kind=price").content).findall(f"{ATOM}entry")

    assert len(found) == 1


# Refuses


def test_others_see_nothing(alice: Person, bob: Person, acme: Connection) -> None:
    store(acme, droplet_name="secret-droplet")
    bob.connect("Northwind")
    theirs = feed_of(bob)

    for path in (PAGE, f"{PAGE}?team={acme.team_key}", "/activity.csv", "/activity.json", theirs):
        answer = bob.client.get(path)
        assert "secret-droplet" not in (answer.getvalue() if answer.streaming else answer.content).decode()
    assert bob.client.get(f"/droplets/{acme.pk}/1/activity/").status_code == 404


def test_a_team_that_needs_to_be_reconnected_is_not_shown(alice: Person, acme: Connection) -> None:
    store(acme, droplet_name="secret-droplet")
    path = feed_of(alice)
    Connection.objects.update(state=Connection.State.NEEDS_RECONNECT)

    shown = show(alice).text

    assert "Acme Web has to be reconnected" in shown
    assert "secret-droplet" not in shown
    assert b"secret-droplet" not in alice.client.get(path).content


def test_an_address_of_a_feed_that_is_wrong_renewed_or_removed(alice: Person, acme: Connection) -> None:
    anybody = Client(SERVER_NAME="127.0.0.1")
    first = feed_of(alice)
    second = feed_of(alice)

    assert first != second
    assert anybody.get(second).status_code == 200
    for wrong in (first, f"{second[:-2]}x/", "/activity/feed/x/", f"/activity/feed/{uuid4().hex}/"):
        assert anybody.get(wrong).status_code == 404
    User.objects.update(is_active=False)
    assert anybody.get(second).status_code == 404
    User.objects.update(is_active=True)
    alice.client.post("/activity/feed/", {"remove": ""})
    assert anybody.get(second).status_code == 404


# Handles


def test_before_anything_has_changed(alice: Person, settings: Any) -> None:
    assert "No team connected yet" in show(alice).text
    alice.connect(TEAM)
    assert "No changes yet" in show(alice).text
    assert "Nothing found" in show(alice, "?q=x").text
    settings.WATCH_MINUTES = 0
    assert "not to read teams" in show(alice).text
    assert len(ElementTree.fromstring(alice.client.get(feed_of(alice)).content).findall(f"{ATOM}entry")) == 0


def test_query_strings_that_make_no_sense(alice: Person, acme: Connection) -> None:
    store(acme)

    for query in ("?before=x&after=-1", f"?before={10**30}", "?person=nobody&kind=x&first=x"):
        assert len(alice.client.get(f"{PAGE}{query}").context["rows"]) == 1


def test_hostile_names(alice: Person, acme: Connection) -> None:
    store(acme, droplet_name="<script>alert(1)</script>", before="<b>", after="</table>")

    shown = alice.client.get(PAGE).content.decode()

    assert "<script>alert" not in shown
    assert "&lt;b&gt;" in shown


def test_the_number_of_queries_does_not_grow(alice: Person, acme: Connection) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            database,
        ) as found:
            assert alice.client.get(PAGE).status_code == 200
        return len(found)

    store(acme)
    few = queries()
    for number in range(60):
        store(acme, droplet_id=number, action_id=uuid4(), user=alice.user)
    alice.connect("Northwind")

    assert queries() == few
