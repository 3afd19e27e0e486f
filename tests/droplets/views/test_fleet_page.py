from __future__ import annotations

import re
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from accounts.models import Connection
from droplets.fleet import service as fleet_service
from tests.droplets.views.page import Page
from tests.support.person import Person

LISTING = "/v2/droplets$"


def visit(person: Person, query: str = "") -> Page:
    return Page(person.client.get(f"/droplets/{query}"))


def follow_up(person: Person, edition: str = "-", query: str = "") -> HttpResponse:
    """What an open page asks by itself."""
    return person.client.get(f"/droplets/?edition={edition}{query}", headers={"HX-Request": "true"})


# Works


def test_it_lists_the_droplets_of_all_teams(alice: Person) -> None:
    for name in ("Acme Web", "Northwind", "Side projects"):
        alice.connect(name)
    total = sum(t.droplets + t.gpus for t in map(alice.sandbox.team, ("Acme Web", "Northwind", "Side projects")))

    page = visit(alice)

    assert page.status == 200
    assert f"{total} droplets in 3 teams, read " in page.text
    assert len(page.rows) == 50
    assert f"1–50 of {total}" in page.text
    assert not page.with_class("trouble")


def test_a_row_tells_what_one_looks_for(alice: Person) -> None:
    alice.connect("Acme Web")
    alice.sandbox.droplets("Acme Web", count=1)
    droplet = {
        "id": 4711,
        "name": "api-01.acme.example",
        "status": "off",
        "vcpus": 4,
        "memory": 8192,
        "disk": 160,
        "tags": ["web", "env:prod", "team:core", "owner:ada"],
        "created_at": "2016-07-21T18:37:44Z",
        "/size/price_monthly": 48.0,
        "/region/name": "Frankfurt 1",
        "/region/slug": "fra1",
        "/image": {"distribution": "Ubuntu", "name": "24.04 (LTS) x64", "public": True},
        "/networks": {"v4": [{"ip_address": "203.0.113.11", "type": "public"}], "v6": []},
    }
    alice.sandbox.droplets("Acme Web", patch=[{"index": 0, "set": droplet}])

    page = visit(alice)

    [row] = page.rows
    for fact in (
        "api-01.acme.example", "Ubuntu 24.04", "Off", "Acme Web", "Frankfurt", "fra1", "4 vCPU · 8 GB", "160 GB disk",
        "203.0.113.11", "web", "env:prod", "+2", "$48.00", " y",
    ):  # fmt: skip
        assert fact in row
    assert page.droplets() == [f"/droplets/{alice.connection('Acme Web').pk}/4711/"]


def test_totals_stand_above(alice: Person) -> None:
    alice.connect("Side projects")
    alice.sandbox.droplets("Side projects", count=2)
    same = {"vcpus": 2, "memory": 2048, "disk": 1024, "/size/price_monthly": 600.0}
    patches = [{"index": 0, "set": same | {"status": "active"}}, {"index": 1, "set": same | {"status": "archive"}}]
    alice.sandbox.droplets("Side projects", patch=patches)

    page = visit(alice)

    for figure in ("2 droplets", "4 vCPUs", "4 GB memory, 2 TB disk", "$1,200 a month"):
        assert figure in page.text
    assert "By status Active 1 $600.00 Archived 1 $600.00" in page.text


def test_pages_are_sorted_by_name_and_miss_none(alice: Person) -> None:
    alice.connect("Acme Web")
    team = alice.sandbox.team("Acme Web")
    names = {0: "node-10", 70: "node-9", 149: "Node-11"}
    patches = [{"index": index, "set": {"name": name}} for index, name in names.items()]
    alice.sandbox.droplets("Acme Web", patch=patches)

    found = [name for number in (1, 2, 3, 4) for name in visit(alice, f"?page={number}").names]

    assert len(found) == team.droplets + team.gpus
    first = found.index("node-9")
    assert found[first : first + 3] == ["node-9", "node-10", "Node-11"]


def test_a_short_list_is_one_page(alice: Person) -> None:
    alice.connect("Side projects")
    alice.sandbox.droplets("Side projects", count=50)

    page = visit(alice)

    assert "1–50 of 50" in page.text
    assert "Page 1" not in page.text
    assert "a page" not in page.text


def test_without_a_team_it_says_how_to_begin(alice: Person) -> None:
    page = visit(alice)

    assert page.status == 200
    assert "No team connected yet" in page.text
    assert page.actions() == ["/accounts/digitalocean/login/"]
    assert len(page.with_class("btn-primary")) == 1


def test_teams_without_droplets_are_told_apart_from_trouble(alice: Person) -> None:
    alice.connect("Side projects")
    alice.sandbox.droplets("Side projects", count=0)

    page = visit(alice)

    assert "0 droplets in 1 team, read " in page.text
    assert "This team has none" in page.text
    assert not page.with_class("trouble")
    assert len(page.with_class("btn-primary")) == 1


# Refuses


def test_it_requires_login() -> None:
    answer = Client().get("/droplets/")

    assert (answer.status_code, answer["Location"]) == (302, "/accounts/login/?next=/droplets/")


def test_it_takes_no_post(alice: Person) -> None:
    assert alice.client.post("/droplets/").status_code == 405


def test_it_shows_nothing_of_others(alice: Person, bob: Person) -> None:
    alice.connect("Acme Web")

    assert "No team connected yet" in visit(bob).text


def test_it_is_not_kept_by_browsers(alice: Person) -> None:
    assert "no-store" in alice.client.get("/droplets/")["Cache-Control"]


@pytest.mark.parametrize("query", ["?page=0", "?page=-3", "?page=x", "?page=", "?page=1&page=", "?page=%00"])
def test_a_senseless_page_is_the_first(alice: Person, query: str) -> None:
    alice.connect("Acme Web")

    assert "1–50 of" in visit(alice, query).text


def test_beyond_the_last_page_is_the_last(alice: Person) -> None:
    alice.connect("Acme Web")

    assert "Page 4 of 4" in visit(alice, "?page=99999999999999999999").text


# Handles


def test_a_team_that_needs_reconnecting_says_so_with_a_button(alice: Person) -> None:
    alice.connect("Acme Web")
    northwind = alice.connect("Northwind")
    visit(alice)
    alice.sandbox.revoke(team="Northwind")
    fleet_service.request_reload(northwind)

    for page in (Page(follow_up(alice)), visit(alice)):  # as it is found out, and as it is known
        assert page.status == 200
        assert "Northwind: DigitalOcean no longer accepts this connection." in page.text
        assert re.search(r"Its \d+ droplets are shown as they were (just now|\d+ seconds? ago)\.", page.text)
        assert f"/accounts/connections/{northwind.pk}/reconnect/" in page.actions()
        assert "in 2 teams" in page.text
        assert len(page.with_class("banner-bad")) == len(page.with_class("trouble")) == 1


@pytest.mark.parametrize(
    ("kind", "more", "sentence"),
    [
        ("status", {"status": 500}, "DigitalOcean is having trouble answering."),
        ("status", {"status": 503}, "DigitalOcean is having trouble answering."),
        ("reset", {}, "broke before DigitalOcean answered."),
        ("truncate", {"at": 100}, "broke before DigitalOcean answered."),
        ("empty", {}, "sent an unexpected answer."),
        ("html", {"status": 200}, "sent an unexpected answer."),
        ("html", {"status": 502}, "DigitalOcean is having trouble answering."),
        ("json", {"json": [1]}, "sent an unexpected answer."),
        ("json", {"json": {"droplets": {}, "meta": {"total": 1}}}, "sent an unexpected answer."),
        ("redirect", {"location": "http://127.0.0.1:9/"}, "sent an unexpected answer."),
        ("status", {"status": 403}, "DigitalOcean refused this: "),
        ("status", {"status": 422, "json": {"id": "x", "message": "<b>No</b>"}}, "refused this: <b>No</b>"),
        ("status", {"status": 429, "headers": {"retry-after": "42"}}, "rate limit for this team is reached"),
        ("status", {"status": 429}, "rate limit for this team is reached"),
        ("hang", {}, "DigitalOcean answered too slowly."),
        ("drip", {"bytes_per_second": 50}, "DigitalOcean answered too slowly."),
        ("drip", {"bytes_per_second": 50, "drip_headers": True}, "DigitalOcean answered too slowly."),
    ],
)
def test_a_team_that_fails_costs_itself_alone(
    alice: Person, monkeypatch: pytest.MonkeyPatch, kind: str, more: dict[str, Any], sentence: str
) -> None:
    monkeypatch.setattr("digitalocean_client.api.CALL_TIMEOUT", 1.2)
    alice.connect("Acme Web")
    alice.connect("Northwind")
    alice.sandbox.fault(kind, path=LISTING, team="Northwind", **more)
    acme = alice.sandbox.team("Acme Web")

    page = visit(alice)

    assert page.status == 200
    assert f"{acme.droplets + acme.gpus} droplets in 1 of 2 teams" in page.text
    assert len(page.rows) == 50
    assert len(page.with_class("trouble")) == 1
    assert "Northwind: " in page.text
    assert sentence in page.text
    assert "None of its droplets are shown." in page.text


def test_when_to_try_again_and_what_to_tell_support(alice: Person) -> None:
    alice.connect("Northwind")
    alice.sandbox.fault("status", path=LISTING, status=429, headers={"retry-after": "300"})

    page = visit(alice)

    assert "Trying again in 4 minutes." in page.text
    assert "Request id for DigitalOcean's support: " in page.text
    assert f"/droplets/{alice.connection('Northwind').pk}/renew/" in page.actions()
    assert "Nothing to show right now" in page.text


def test_a_list_that_is_not_whole_says_how_much_of_it_is_shown(alice: Person) -> None:
    alice.connect("Side projects")
    alice.sandbox.droplets("Side projects", count=187)
    alice.sandbox.fault("patch", path=LISTING, type="droplets", set={"/meta/total": 200})

    page = visit(alice)

    assert "Side projects: Its list changed while it was read. " in page.text
    assert "187 of 200 droplets are shown." in page.text


def test_an_odd_row_costs_itself(alice: Person) -> None:
    alice.connect("Side projects")
    alice.sandbox.droplets("Side projects", count=3)
    alice.sandbox.droplets("Side projects", patch=[{"index": 1, "set": {"id": "seven"}}])

    page = visit(alice)

    assert "Side projects: 1 droplet could not be read. 2 of 3 droplets are shown." in page.text
    assert len(page.rows) == 2


def test_a_droplet_of_nulls_is_a_row(alice: Person) -> None:
    alice.connect("Side projects")
    alice.sandbox.droplets("Side projects", count=1)
    nothing = dict.fromkeys(
        ("name", "status", "memory", "vcpus", "disk", "image", "size", "region", "networks", "tags", "created_at")
    )
    alice.sandbox.droplets("Side projects", patch=[{"index": 0, "set": {**nothing, "id": 4711}}])

    [row] = visit(alice).rows

    assert "Droplet 4711" in row
    assert "Unknown" in row


HOSTILE = "<script>alert(1)</script>\"'>\u202egnp.exe" + "x" * 200


def test_hostile_texts_are_shown_as_text(alice: Person) -> None:
    alice.connect("Side projects")
    alice.sandbox.droplets("Side projects", count=1)
    everywhere = {
        "name": HOSTILE,
        "status": HOSTILE,
        "tags": [HOSTILE, HOSTILE],
        "/region/name": HOSTILE,
        "/region/slug": HOSTILE,
        "/image": {"name": HOSTILE},
        "/networks": {"v4": [{"ip_address": HOSTILE, "type": "public"}]},
    }
    alice.sandbox.droplets("Side projects", patch=[{"index": 0, "set": everywhere}])

    page = visit(alice)

    assert "<script>alert(1)</script>\"'>gnp.exe" in page.rows[0]
    assert all(attrs["src"].startswith("/static/") for tag, attrs in page.tags if tag == "script")
    assert "\u202e" not in page.html
    assert set(re.findall("xxxx</([a-z]+)>", page.html)) == {"bdi"}  # isolated, wherever it stands


def test_hostile_team_names_are_shown_as_text(alice: Person) -> None:
    connection = alice.connect("Side projects")
    Connection.objects.filter(pk=connection.pk).update(team_name="<script>" + "y" * 240)
    alice.sandbox.fault("status", path=LISTING, type="gpus", status=500)

    page = visit(alice)

    assert "&lt;script&gt;yyy" in page.html
    assert all(attrs["src"].startswith("/static/") for tag, attrs in page.tags if tag == "script")


def test_a_stored_token_that_no_key_decrypts_costs_its_team_alone(alice: Person, settings: Any) -> None:
    alice.connect("Acme Web")
    settings.TOKEN_KEYS = ["b3RoZXJvdGhlcm90aGVyb3RoZXJvdGhlcm90aGVyb3Q="]
    alice.connect("Northwind")

    page = visit(alice)

    assert page.status == 200
    assert "Acme Web: Conveyor can no longer decrypt" in page.text
    assert "in 1 of 2 teams" in page.text


def test_no_token_is_on_the_page(alice: Person) -> None:
    alice.connect("Acme Web")
    alice.sandbox.fault("status", path=LISTING, type="gpus", status=500)

    html = visit(alice).html

    assert "doo_v1_" not in html
    assert "dor_v1_" not in html


# Live


def test_an_open_page_is_told_what_is_new(alice: Person) -> None:
    alice.connect("Side projects")
    edition = fleet_service.read_fleet(alice.user, wait=True).version
    alice.sandbox.droplets("Side projects", count=2)
    fleet_service.request_reload(alice.connection("Side projects"))

    answer = follow_up(alice, edition)

    assert answer.status_code == 200
    assert "<html" not in answer.content.decode()
    assert len(Page(answer).rows) == 2
    assert float(answer["Renew-After"]) > 25
    assert "HX-Request" in answer["Vary"]


def test_an_open_page_that_shows_what_there_is_gets_nothing(alice: Person) -> None:
    alice.connect("Side projects")
    edition = fleet_service.read_fleet(alice.user, wait=True).version

    answer = follow_up(alice, edition)

    assert (answer.status_code, answer.content) == (204, b"")
    assert float(answer["Renew-After"]) > 25


def test_an_open_page_whose_session_has_ended_is_told_to_load_anew(alice: Person) -> None:
    alice.log_out()

    answer = follow_up(alice)

    assert answer["HX-Refresh"] == "true"
    assert answer.content == b""


def test_a_slow_team_is_told_as_it_comes(alice: Person, settings: Any) -> None:
    settings.PAGE_DEADLINE = 0.7
    alice.connect("Acme Web")
    alice.connect("Northwind")
    alice.sandbox.droplets("Northwind", count=450)
    alice.sandbox.fault("delay", path=LISTING, team="Northwind", page=3, seconds=2)
    gpus = alice.sandbox.team("Northwind").gpus

    page = visit(alice)
    settings.PAGE_DEADLINE = 10
    later = Page(follow_up(alice))

    assert f"400 of {450 + gpus} droplets" in page.text or f"{400 + gpus} of {450 + gpus} droplets" in page.text
    assert "have come so far" in page.text
    assert "Acme Web" in page.text
    assert not later.with_class("trouble")


def test_try_now_reads_the_team_again(alice: Person) -> None:
    connection = alice.connect("Side projects")
    fault = alice.sandbox.fault("status", path=LISTING, status=500)
    assert visit(alice).with_class("trouble")
    alice.sandbox.clear_faults(fault)
    assert visit(alice).with_class("trouble")

    answer = alice.client.post(f"/droplets/{connection.pk}/renew/", {"query": "sort=-age"})

    assert (answer.status_code, answer["Location"]) == (302, "/droplets/?sort=-age")
    assert not visit(alice).with_class("trouble")


@pytest.mark.parametrize("query", ["", "//evil.example", "https://evil.example/", "\r\nSet-Cookie: a=b", "version=x"])
def test_try_now_leads_back_to_the_fleet_and_nowhere_else(alice: Person, query: str) -> None:
    connection = alice.connect("Side projects")

    answer = alice.client.post(f"/droplets/{connection.pk}/renew/", {"query": query})

    assert answer.status_code == 302
    assert re.fullmatch(r"/droplets/(\?q=[^&]*)?", answer["Location"])


def test_only_ones_own_teams_are_read_again(alice: Person, bob: Person) -> None:
    connection = alice.connect("Acme Web")

    assert bob.client.post(f"/droplets/{connection.pk}/renew/").status_code == 404
    assert alice.client.get(f"/droplets/{connection.pk}/renew/").status_code == 405
