"""DigitalOcean's actions on the time line, from the sandbox: those that readings do not show, each once."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.models import Connection, User
from digitalocean_client import api
from droplets import tasks
from droplets.calls import rate_limit
from droplets.changes import actions
from droplets.changes.search import ChangeSearch, Timeline
from droplets.fleet import readings
from droplets.models import Action, ActivityFeed, Change, TeamReading
from tests.droplets.actions.acting import Acting
from tests.droplets.changes.test_store import acted
from tests.droplets.views.page import Page
from tests.droplets.watching import TEAM, change, read, reading_of
from tests.support.person import Person
from tests.support.sandbox import Sandbox

LIST = "GET /v2/actions"
DROPLET = 4711
Kind = Change.Kind


@pytest.fixture
def acme(alice: Person) -> Connection:
    """A team of three droplets that run, of which one is known. Its actions have been read once."""
    connection = alice.connect(TEAM)
    alice.sandbox.droplets(TEAM, count=3)
    change(alice.sandbox, id=DROPLET, name="web-1", status="active", locked=False, features=[], tags=[])
    read(connection)
    store(connection)
    return connection


def store(*connections: Connection) -> None:
    tasks.read_actions(*(str(connection.pk) for connection in connections))


def token(sandbox: Sandbox, team: str = TEAM) -> str:
    return str(sandbox.connect(team=team, scope="read write")["access_token"])


def act(sandbox: Sandbox, *types: str, status: str = "completed", team: str = TEAM, **parameters: Any) -> None:
    """Do it outside Conveyor, one after another, each to its end."""
    for each in types:
        answer = sandbox.act(DROPLET, token(sandbox, team), each, **parameters)
        assert answer.status_code == 201, answer.text
        sandbox.end_action(answer.json()["action"]["id"], status)


def later(connection: Connection, minutes: int = 5) -> None:
    """Let time go by between what has happened and the next reading."""
    TeamReading.objects.filter(pk=connection.pk).update(taken_at=timezone.now() + timedelta(minutes=minutes))


def shown() -> list[tuple[str, str]]:
    return [(each.kind, each.after) for each in Change.objects.order_by("id")]


# Works


@pytest.mark.parametrize("kind", ["reboot", "power_cycle", "snapshot", "enable_backups", "password_reset"])
def test_an_action_that_no_reading_shows(alice: Person, acme: Connection, kind: str) -> None:
    act(alice.sandbox, kind)

    store(acme)
    store(acme)

    [row] = Change.objects.all()
    assert (row.kind, row.droplet_id, row.droplet_name, row.team_name) == (kind, DROPLET, "web-1", TEAM)
    assert (row.user, row.action_id) == (None, None)
    assert row.since <= row.at
    text = Page(alice.client.get("/activity/")).text
    assert Kind(kind).label in text
    assert "Outside Conveyor" in text


def test_who_did_it_through_conveyor(alice: Person, acme: Connection) -> None:
    acting = Acting(alice, acme)
    acting.allow()
    acting.press("reboot")
    alice.sandbox.end_action(acting.done()[0].id)
    Action.objects.update(ask_at=timezone.now())
    tasks.follow_some(str(acting.row.pk))

    store(acme)

    [row] = Change.objects.all()
    assert (row.kind, row.user, row.action_id) == (Kind.REBOOT, alice.user, acting.row.pk)
    assert row.since == acting.row.began_at


def test_colleagues_see_an_action_once(alice: Person, bob: Person) -> None:
    team = "Northwind"
    hers, his = alice.connect(team), bob.connect(team)
    change(alice.sandbox, team, id=DROPLET, status="active", locked=False)
    read(hers, his)
    store(hers, his)
    act(alice.sandbox, "reboot", team=team)

    store(his, hers)

    assert [kind for kind, _ in shown()] == [Kind.REBOOT]
    assert Timeline(bob.user).find(ChangeSearch()).count() == 1


def test_an_action_that_failed(alice: Person, acme: Connection) -> None:
    act(alice.sandbox, "power_off", status="errored")

    store(acme)

    assert shown() == [(Kind.FAILED, "Power off")]
    assert "Power off failed" in Page(alice.client.get("/activity/")).text


def test_what_a_reading_shows_is_not_shown_again(alice: Person, acme: Connection) -> None:
    act(alice.sandbox, "power_off")
    act(alice.sandbox, "rename", name="web-2")
    read(acme)
    later(acme)

    store(acme)

    assert sorted(kind for kind, _ in shown()) == [Kind.POWERED_OFF, Kind.RENAMED]


def test_what_was_undone_before_the_next_reading(alice: Person, acme: Connection) -> None:
    act(alice.sandbox, "power_off", "power_on")
    read(acme)
    store(acme)
    assert shown() == []  # the next reading may still show it

    later(acme)
    store(acme)

    assert sorted(shown()) == [(Kind.ACTION, "Powered off"), (Kind.ACTION, "Powered on")]


def test_the_page_of_a_droplet_shows_it_once(alice: Person, acme: Connection) -> None:
    act(alice.sandbox, "reboot")
    store(acme)

    text = Page(alice.client.get(f"/droplets/{acme.pk}/{DROPLET}/activity/")).text

    assert text.count("Rebooted") == 1


def test_a_droplet_that_is_gone_keeps_its_actions(alice: Person, acme: Connection) -> None:
    act(alice.sandbox, "reboot")
    store(acme)
    alice.sandbox.droplets(TEAM, remove=1)

    text = Page(alice.client.get(f"/droplets/{acme.pk}/{DROPLET}/activity/")).text

    assert text.count("Rebooted") == 1


def test_the_filters_and_downloads(alice: Person, acme: Connection) -> None:
    act(alice.sandbox, "reboot", "snapshot", name="before")
    change(alice.sandbox, name="web-2")
    read(acme)
    store(acme)

    lines = alice.client.get("/activity.csv?droplet=WEB-1&kind=snapshot").getvalue().decode().splitlines()
    found = json.loads(alice.client.get("/activity.json?droplet=web-2").getvalue())["changes"]

    alice.client.post("/activity/feed/")
    feed = f"/activity/feed/{ActivityFeed.objects.get().secret}/"
    assert "web-2: Snapshot taken" in alice.client.get(f"{feed}?droplet=web-2").content.decode()
    assert "<entry>" not in alice.client.get(f"{feed}?droplet=another").content.decode()
    assert [line.split(",")[7] for line in lines[1:]] == ["snapshot"]
    assert {each["kind"] for each in found} == {"renamed", "reboot", "snapshot"}


# Refuses


def test_what_was_before_the_first_reading_is_not_stored(acme: Connection) -> None:
    assert shown() == []
    assert reading_of(acme).actions_until is not None


def test_nobodys_token_is_used_without_need(alice: Person, acme: Connection) -> None:
    alice.sandbox.reset_counters()
    User.objects.update(is_active=False)

    store(acme)
    tasks.read_actions(str(uuid4()))

    assert LIST not in alice.sandbox.counters().by_endpoint


# Handles


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 500},
        {"kind": "status", "status": 429},
        {"kind": "status", "status": 401},
        {"kind": "reset"},
        {"kind": "html"},
    ],
    ids=lambda fault: str(fault.get("status", fault["kind"])),
)
def test_a_list_that_could_not_be_read_is_made_up_for(alice: Person, acme: Connection, fault: dict[str, Any]) -> None:
    act(alice.sandbox, "reboot")
    alice.sandbox.fault(**fault, path="/v2/actions$")
    store(acme)
    assert shown() == []

    alice.sandbox.clear_faults()
    rate_limit.forget(acme.pk)
    store(acme)

    assert [kind for kind, _ in shown()] == [Kind.REBOOT]


def test_without_access_to_the_list_those_of_conveyor_are_shown(alice: Person, acme: Connection) -> None:
    now = timezone.now()
    acted(acme, DROPLET, "snapshot", digitalocean_id=5, began_at=now, ended_at=now, parameters={"name": "before"})
    alice.sandbox.fault("status", path="/v2/actions$", status=403)

    store(acme)

    assert shown() == [(Kind.SNAPSHOT, "“before”")]
    assert Change.objects.get().user == alice.user


def test_an_action_whose_answer_is_found_late_gets_its_person(alice: Person, acme: Connection) -> None:
    act(alice.sandbox, "reboot")
    store(acme)
    change_ = Change.objects.get()
    [done] = alice.sandbox.actions()
    acted(acme, DROPLET, "reboot", digitalocean_id=done.id, began_at=change_.since, ended_at=change_.at)

    store(acme)

    assert [(row.pk, row.user) for row in Change.objects.all()] == [(change_.pk, alice.user)]


def test_more_actions_than_a_page_has(alice: Person, acme: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "PER_PAGE", 2)
    act(alice.sandbox, "reboot", "power_cycle", "snapshot", "password_reset", "enable_backups")
    alice.sandbox.reset_counters()

    store(acme)

    assert len(shown()) == 5
    assert 3 <= alice.sandbox.counters().by_endpoint[LIST] <= readings.MOST_ACTION_PAGES


def test_more_actions_than_are_read_at_a_time(
    alice: Person, acme: Connection, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(api, "PER_PAGE", 1)
    monkeypatch.setattr(readings, "MOST_ACTION_PAGES", 2)
    act(alice.sandbox, "reboot", "power_cycle", "snapshot")

    store(acme)

    assert [kind for kind, _ in shown()] == [Kind.POWER_CYCLE, Kind.SNAPSHOT]
    assert "more actions than are read at a time" in caplog.text


def test_odd_actions_in_the_list(alice: Person, acme: Connection) -> None:
    now = f"{timezone.now():%Y-%m-%dT%H:%M:%SZ}"
    whole = {"id": 1, "status": "completed", "type": "defragment_\u202edisk", "started_at": now, "completed_at": now,
             "resource_id": 99, "resource_type": "droplet"}  # fmt: skip
    odd = [{}, {"id": 2}, {**whole, "id": 3, "resource_type": "volume"}, {**whole, "id": 4, "completed_at": None},
           {**whole, "id": 5, "status": "in-progress"}, {**whole, "id": 6, "resource_id": None}]  # fmt: skip
    body = {"actions": [*odd, whole], "meta": {"total": 7}}
    alice.sandbox.fault("status", path="/v2/actions$", status=200, json=body)

    store(acme)

    [row] = Change.objects.all()
    assert (row.kind, row.after, row.droplet_name) == (Kind.ACTION, "Defragment disk", "Droplet 99")


def test_a_message_that_comes_twice_at_once(alice: Person, acme: Connection) -> None:
    act(alice.sandbox, "reboot")
    listed = actions._read([reading_of(acme)])[acme.pk]
    row = TeamReading.objects.select_related("connection__account__user").get(pk=acme.pk)

    actions._store(row, listed)
    actions._store(row, listed)

    assert [kind for kind, _ in shown()] == [Kind.REBOOT]
