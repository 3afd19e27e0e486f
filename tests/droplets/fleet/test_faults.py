"""Whatever DigitalOcean does with one team: the others are shown as ever, and the sick one tells how it stands."""

from __future__ import annotations

import re
from typing import Any

import pytest

from droplets.fleet import cache as fleet_cache
from droplets.fleet import service as fleet_service
from tests.droplets.views.page import Page
from tests.support.person import Person

LISTING = "/v2/droplets$"
ACME = 10
NORTHWIND = 450

TROUBLE = "DigitalOcean is having trouble answering."
SLOW = "DigitalOcean answered too slowly."
LOST = "broke before DigitalOcean answered."
NONSENSE = "sent an unexpected answer."
LIMIT = "rate limit for this team is reached"

FAULTS: list[tuple[str, dict[str, Any], str]] = [
    ("status", {"status": 500}, TROUBLE),
    ("status", {"status": 503}, TROUBLE),
    ("status", {"status": 503, "headers": {"retry-after": "90"}}, TROUBLE),
    ("status", {"status": 429, "headers": {"retry-after": "42"}}, LIMIT),
    ("status", {"status": 429}, LIMIT),
    ("hang", {}, SLOW),
    ("drip", {"bytes_per_second": 50}, SLOW),
    ("drip", {"bytes_per_second": 50, "drip_headers": True}, SLOW),
    ("reset", {}, LOST),
    ("truncate", {"at": 5000}, LOST),
    ("empty", {}, NONSENSE),
    ("html", {"status": 200}, NONSENSE),
    ("html", {"status": 502}, TROUBLE),
    ("redirect", {"location": "http://127.0.0.1:9/v2/droplets"}, NONSENSE),
    ("redirect", {"location": "/v2/account", "status": 307}, NONSENSE),
    ("json", {"json": []}, NONSENSE),
    ("json", {"json": {"droplets": {}, "meta": {"total": 1}}}, NONSENSE),
    ("json", {"json": {"droplets": [], "meta": {"total": "many"}}}, NONSENSE),
    ("json", {"json": {"droplets": [], "meta": {"total": -1}}}, NONSENSE),
    ("json", {"json": {"droplets": []}}, NONSENSE),
    ("json", {"json": None}, NONSENSE),
    ("body", {"body": "[" * 100_000}, NONSENSE),
]


@pytest.fixture
def two(alice: Person, monkeypatch: pytest.MonkeyPatch) -> Person:
    """Alice, whose two teams have been read whole; what hangs is given up soon."""
    monkeypatch.setattr("digitalocean_client.api.CALL_TIMEOUT", 2.0)
    for name, count in (("Acme Web", ACME), ("Northwind", NORTHWIND)):
        alice.connect(name)
        alice.sandbox.droplets(name, count=count)
    assert not fleet_service.read_fleet(alice.user, wait=True).problems
    return alice


def reloaded(person: Person) -> Page:
    """What an open page gets when it asks after both teams are due."""
    for connection in person.connections:
        fleet_cache.request_reload(connection.pk)
    return Page(person.client.get("/droplets/?edition=-", headers={"HX-Request": "true"}))


def shown(person: Person, team: str) -> int:
    found = fleet_service.read_fleet(person.user, wait=False)
    return sum(item.team.name == team for item in found.items)


def all_of(person: Person, team: str) -> int:
    return person.sandbox.team(team).droplets + person.sandbox.team(team).gpus


@pytest.mark.parametrize(("kind", "more", "sentence"), FAULTS)
def test_a_sick_team_is_shown_as_it_was(two: Person, kind: str, more: dict[str, Any], sentence: str) -> None:
    two.sandbox.droplets("Acme Web", count=ACME + 1)
    two.sandbox.fault(kind, path=LISTING, team="Northwind", **more)

    page = reloaded(two)

    assert page.status == 200
    assert shown(two, "Acme Web") == all_of(two, "Acme Web")
    assert shown(two, "Northwind") == all_of(two, "Northwind")
    [problem] = re.findall(r"Northwind: .*? Try now", page.text)
    assert sentence in problem
    assert re.search(r"Its \d+ droplets are shown as they were (just now|\d+ seconds? ago)\.", problem)
    assert re.search(r"Trying again in (\d+ seconds?|\d+ minutes?)\.", problem)


@pytest.mark.parametrize(("kind", "more", "sentence"), FAULTS)
def test_one_sick_page_costs_nothing_that_was_known(
    two: Person, kind: str, more: dict[str, Any], sentence: str
) -> None:
    two.sandbox.fault(kind, path=LISTING, team="Northwind", type="droplets", page=2, **more)

    page = reloaded(two)

    assert shown(two, "Northwind") == all_of(two, "Northwind")
    assert sentence in page.text
    assert re.search(r"Northwind: .* \d+ of its \d+ droplets are up to date, the others as they were", page.text)


def test_when_digitalocean_names_a_time_it_is_that_one(two: Person) -> None:
    two.sandbox.fault("status", path=LISTING, team="Northwind", status=429, headers={"retry-after": "120"})

    assert re.search(r"Trying again in (1 minute|2 minutes)\.", reloaded(two).text)
    two.sandbox.reset_counters()
    reloaded(two)  # asking is of no use before that
    assert two.sandbox.team("Northwind").uuid not in two.sandbox.counters().by_team


@pytest.mark.parametrize(
    "patch",
    [
        dict.fromkeys(
            ("name", "status", "memory", "vcpus", "disk", "image", "size", "region", "networks", "tags", "created_at")
        ),
        {"status": "levitating", "mood": "fine", "/size/colour": ["blue"]},
    ],
)
def test_odd_droplets_are_droplets(two: Person, patch: dict[str, Any]) -> None:
    two.sandbox.droplets("Northwind", patch=[{"index": 7, "set": patch}])

    page = reloaded(two)

    assert shown(two, "Northwind") == all_of(two, "Northwind")
    assert not page.with_class("trouble")


def test_a_list_that_shrinks_while_it_is_read_loses_none_silently(two: Person) -> None:
    """One went from page 1 after page 1 was read, so the first of page 2 slipped to where nobody looked."""
    before = {
        item.droplet.id
        for item in fleet_service.read_fleet(two.user, wait=False).items
        if item.team.name == "Northwind"
    }
    page_2 = _page(two, 2)
    slipped = page_2["droplets"][0]["id"]
    two.sandbox.fault(
        "patch", path=LISTING, team="Northwind", type="droplets", page=2,
        remove=["/droplets/0"], set={"/meta/total": NORTHWIND - 1},
    )  # fmt: skip

    reloaded(two)

    now = [
        item.droplet.id
        for item in fleet_service.read_fleet(two.user, wait=False).items
        if item.team.name == "Northwind"
    ]
    assert len(now) == len(set(now))
    assert slipped in now
    assert set(now) == before


def test_a_list_that_grows_while_it_is_read_shows_none_twice(two: Person) -> None:
    """One came in front after page 1 was read, so the last of page 1 is the first of page 2 as well."""
    twice = _page(two, 1)["droplets"][-1]
    two.sandbox.fault(
        "patch", path=LISTING, team="Northwind", type="droplets", page=2,
        set={"/droplets/0": twice, "/meta/total": NORTHWIND + 1},
    )  # fmt: skip

    page = reloaded(two)

    ids = [
        item.droplet.id
        for item in fleet_service.read_fleet(two.user, wait=False).items
        if item.team.name == "Northwind"
    ]
    assert len(ids) == len(set(ids))
    assert "Its list changed while it was read." in page.text


def test_a_total_that_lies_is_told_and_changes_nothing(two: Person) -> None:
    two.sandbox.fault("patch", path=LISTING, team="Northwind", type="droplets", set={"/meta/total": NORTHWIND + 13})

    page = reloaded(two)

    total = all_of(two, "Northwind")
    assert f"Northwind: Its list changed while it was read. {total} of {total + 13} droplets are shown." in page.text


def test_a_token_goes_nowhere_but_to_digitalocean(two: Person) -> None:
    """A redirect to the sandbox's own account endpoint is not followed, nor are links that an answer names."""
    two.sandbox.fault("redirect", path=LISTING, team="Northwind", location="/v2/account")
    two.sandbox.reset_counters()

    reloaded(two)

    assert "GET /v2/account" not in two.sandbox.counters().by_endpoint


def ids_of(person: Person, team: str) -> list[int]:
    """The ids of the team's droplets that the fleet has, none left out."""
    items = fleet_service.read_fleet(person.user, wait=False).items
    return [item.droplet.id for item in items if item.team.name == team]


def _page(person: Person, number: int) -> dict[str, Any]:
    token = str(person.sandbox.connect(team="Northwind")["access_token"])
    answer = person.sandbox.get(f"/v2/droplets?per_page=200&page={number}", token)
    found: dict[str, Any] = answer.json()
    return found
