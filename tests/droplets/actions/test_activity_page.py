"""A droplet's activity: DigitalOcean's list merged with Conveyor's own rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from droplets.actions import sending
from droplets.models import Action
from tests.droplets.actions.acting import DROPLET, Acting
from tests.droplets.views.page import Page
from tests.support.person import Person

ACTIONS = "/v2/droplets/[0-9]+/actions$"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "TIMEOUT", 1.0)


def visit(acting: Acting, query: str = "") -> Page:
    return Page(acting.person.client.get(f"{acting.address}activity/{query}"))


def note(acting: Acting, *, hours: float, **fields: Any) -> Action:
    """A row of Alice's, of so many hours before noon, that DigitalOcean does not know."""
    at = NOON - timedelta(hours=hours)
    given = {
        "user": acting.person.user,
        "key": uuid4(),
        "connection_id": acting.connection.pk,
        "team_uuid": acting.connection.team_uuid,
        "team_name": "Acme Web",
        "droplet_id": DROPLET,
        "kind": "rename",
        "parameters": {"name": f"{hours} hours before"},
        "status": "refused",
        "recorded_at": at,
        "sent_at": at,
        "ended_at": at,
    }
    return Action.objects.create(**given | fields)


def serve(acting: Acting, count: int) -> None:
    """A droplet with so many actions, one an hour before noon, at DigitalOcean."""
    listed = [
        {
            "id": 1000 - hours,
            "type": "reboot",
            "status": "completed",
            "started_at": (NOON - timedelta(hours=hours)).isoformat(),
            "completed_at": (NOON - timedelta(hours=hours) + timedelta(seconds=42)).isoformat(),
        }
        for hours in range(count)
    ]
    for page in range(1, 5):
        answer = {"actions": listed[25 * (page - 1) : 25 * page], "meta": {"total": count}}
        acting.sandbox.fault("json", path=ACTIONS, method="GET", page=page, json=answer)


# Works


def test_it_shows_who_did_what_and_the_result(acting: Acting) -> None:
    acting.press("snapshot", name="before-upgrade")
    acting.sandbox.forward(60)
    Action.objects.update(ask_at=timezone.now())
    acting.sandbox.fault("status", path=ACTIONS, method="POST", status=422, json={"message": "No room."}, times=1)
    acting.press("rename", name="db-2")

    rows = visit(acting).rows

    assert "Rename “db-2” You" in rows[0]
    assert "Refused DigitalOcean refused this: No room. Request id" in rows[0]
    assert "Snapshot taken “before-upgrade” You" in rows[1]
    assert "Done" in rows[1]
    assert rows[-1].startswith("Created Elsewhere")
    assert len(rows) == len({*rows}) == 2 + len(rows[2:])


def test_an_action_in_both_lists_is_shown_once(acting: Acting) -> None:
    before = len(visit(acting).rows)

    acting.press("reboot")

    assert len(visit(acting).rows) == before + 1


def test_a_colleagues_action_is_theirs(acting: Acting, bob: Person) -> None:
    acting.sandbox.account("grace", team="Acme Web")
    theirs = Acting(bob, bob.connect("Acme Web"))
    acting.press("reboot")

    [row, *_] = visit(theirs).rows

    assert "Reboot" in row
    assert acting.connection.email in row
    assert "You" not in row


@pytest.mark.parametrize("page", [1, 2, 3])
def test_each_page_has_what_falls_into_its_time(acting: Acting, page: int) -> None:
    serve(acting, 60)
    for hours in (-1, 0.5, 24.5, 30.5, 49.5, 70):
        note(acting, hours=hours)

    found = visit(acting, f"?page={page}")

    notes = [row for row in found.rows if "hours before" in row]
    wanted = {1: ["-1", "0.5"], 2: ["24.5", "30.5"], 3: ["49.5", "70"]}[page]
    assert [row.split("“")[1].split(" ")[0] for row in notes] == wanted
    assert len(found.rows) == {1: 25, 2: 25, 3: 10}[page] + 2
    assert f"Page {page} of 3" in found.text


def test_a_row_at_a_pages_edge_is_shown_once(acting: Acting) -> None:
    serve(acting, 30)
    edge = NOON - timedelta(hours=24)
    note(acting, hours=24, kind="reboot", parameters={}, digitalocean_id=976, began_at=edge, status="completed")
    note(acting, hours=24)

    first, second = visit(acting), visit(acting, "?page=2")

    assert len([row for row in first.rows if "You" in row]) == 2
    assert not [row for row in second.rows if "You" in row]
    assert len(first.rows) == 26


# Refuses


def test_it_requires_login(acting: Acting) -> None:
    assert Client().get(f"{acting.address}activity/")["Location"].startswith("/accounts/login/")


def test_another_teams_rows_are_not_shown(acting: Acting) -> None:
    note(acting, hours=1, connection_id=uuid4(), team_uuid="another")
    note(acting, hours=1, connection_id=uuid4(), team_uuid="")
    note(acting, hours=1, droplet_id=DROPLET + 1)

    assert "hours before" not in visit(acting).text


def test_teams_without_a_uuid_are_not_one(acting: Acting) -> None:
    note(acting, hours=1, connection_id=uuid4(), team_uuid="")
    type(acting.connection).objects.update(team_uuid="")

    assert "hours before" not in visit(acting).text


@pytest.mark.parametrize(
    "query", ["?page=0", "?page=-1", "?page=x", "?page=", "?page=%00", "?page=١", f"?page={'9' * 5000}"]
)
def test_a_page_that_is_none_is_the_first(acting: Acting, query: str) -> None:
    assert "Created" in visit(acting, query).text


def test_a_page_beyond_the_last_says_so(acting: Acting) -> None:
    note(acting, hours=1)

    page = visit(acting, "?page=77")

    assert page.status == 200
    assert "Nothing on this page." in page.text


# Handles


@pytest.mark.parametrize(
    ("fault", "more"), [("status", {"status": 500}), ("status", {"status": 403}), ("html", {}), ("hang", {})]
)
def test_without_digitaloceans_list_what_conveyor_knows_is_there(
    acting: Acting, settings: Any, fault: str, more: dict[str, Any]
) -> None:
    settings.PAGE_DEADLINE = 0.8
    note(acting, hours=1)
    acting.sandbox.fault(fault, path=ACTIONS, method="GET", **more)

    page = visit(acting)

    assert page.status == 200
    assert "DigitalOcean's list could not be read" in page.text
    assert [row for row in page.rows if "hours before" in row]


def test_a_droplet_that_is_gone_keeps_its_past(acting: Acting) -> None:
    note(acting, hours=1)
    acting.sandbox.droplets("Acme Web", count=0)

    page = visit(acting)

    assert page.status == 404
    assert "This droplet no longer exists in Acme Web" in page.text
    assert [row for row in page.rows if "hours before" in row]


def test_a_droplet_that_never_was_has_none(acting: Acting) -> None:
    answer = acting.person.client.get(f"/droplets/{acting.connection.pk}/77/activity/")

    assert "Acme Web has no droplet 77." in Page(answer).text


def test_odd_actions_are_shown_as_far_as_they_make_sense(acting: Acting) -> None:
    hostile = "<script>\u202e" + "x" * 300
    backwards = {"started_at": "2026-01-02T00:00:00Z", "completed_at": "2026-01-01T00:00:00Z"}
    odd = [
        {"id": 1, "type": None, "status": None, "started_at": None},
        {"id": 2, "type": hostile, "status": hostile, "started_at": "2026-01-01T00:00:00Z"},
        {"id": 3, "type": "reboot", "status": "completed", **backwards},
        {"id": "four"},
        None,
    ]  # fmt: skip
    acting.sandbox.fault("json", path=ACTIONS, method="GET", json={"actions": odd, "meta": {"total": 5}})

    page = visit(acting)

    assert page.status == 200
    assert len(page.rows) == 3
    assert "2 more could not be read." in page.text
    assert "\u202e" not in page.html
    assert not [tag for tag, attrs in page.tags if tag == "script" and "src" not in attrs]


def test_rows_of_older_versions_are_shown(acting: Acting) -> None:
    note(acting, hours=1, kind="teleport", parameters={"name": 5, "size": None}, user=None, connection_id=uuid4())
    note(acting, hours=2, kind="enable_backups", parameters={"backup_policy": "?"})

    page = visit(acting)

    assert page.status == 200
    assert "Teleport" in page.text
    assert "A deleted account" in page.text
