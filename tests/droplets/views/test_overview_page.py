from __future__ import annotations

import re
from typing import Any

import pytest

from accounts.models import Connection
from common.cache import shared
from droplets.calls import team_lists
from tests.droplets.views.page import Page
from tests.support.person import Person

PARTS = {
    "snapshots": r"/droplets/[0-9]+/snapshots$",
    "backups": r"/droplets/[0-9]+/backups$",
    "policy": r"/droplets/[0-9]+/backups/policy$",
    "firewalls": r"/droplets/[0-9]+/firewalls$",
    "volumes": r"/v2/volumes$",
    "vpcs": r"/v2/vpcs$",
    "reserved_ips": r"/v2/reserved_ips$",
}
NO_SCOPE = {"id": "forbidden", "message": "You are not authorized to perform this operation."}
HOSTILE = "<script>alert(1)</script>\u202e"


@pytest.fixture
def acme(alice: Person) -> Connection:
    """Alice's connection to a team whose only droplet is number 4711."""
    connection = alice.connect("Acme Web")
    alice.sandbox.droplets("Acme Web", count=1)
    alice.sandbox.droplets(
        "Acme Web", patch=[{"index": 0, "set": {"id": 4711, "name": "db-1", "features": ["backups"]}}]
    )
    alice.client.get("/accounts/3rdparty/")
    return connection


def says(person: Person, part: str, answer: dict[str, Any]) -> None:
    person.sandbox.fault("json", path=PARTS[part], json=answer)


def visit(person: Person, connection: Connection) -> Page:
    return Page(person.client.get(f"/droplets/{connection.pk}/4711/"))


def image(id_: int, **more: Any) -> dict[str, Any]:
    return {"id": id_, "name": f"copy-{id_}", "created_at": "2026-01-02T03:04:05Z", "size_gigabytes": 2.5, **more}


# Works


def test_it_shows_what_belongs_to_a_droplet(alice: Person, acme: Connection) -> None:
    says(alice, "snapshots", {"snapshots": [image(1), image(2, size_gigabytes=None)], "meta": {"total": 2}})
    says(alice, "backups", {"backups": [image(3)], "meta": {"total": 1}})
    plan = {"plan": "weekly", "weekday": "SUN", "hour": 4, "window_length_hours": 4, "retention_period_days": 28}
    says(alice, "policy", {"policy": {"droplet_id": 4711, "backup_enabled": True, "backup_policy": plan}})
    volume = {"id": "v-1", "name": "data", "droplet_ids": [4711], "size_gigabytes": 100, "filesystem_type": "ext4"}
    other = {"id": "v-2", "name": "elsewhere", "droplet_ids": None, "size_gigabytes": 1}
    says(alice, "volumes", {"volumes": [volume, other], "meta": {"total": 2}})
    rules = [
        {"protocol": "tcp", "ports": "443", "sources": {"addresses": ["0.0.0.0/0", "::/0"]}},
        {"protocol": "tcp", "ports": "22", "sources": {"addresses": ["198.18.0.0/15"], "tags": ["bastion"]}},
        {"protocol": "icmp", "sources": {"droplet_ids": [1, 2], "load_balancer_uids": ["x"]}},
    ]
    everywhere = {"addresses": ["0.0.0.0/0", "::/0"]}
    out = [{"protocol": "udp", "ports": "0", "destinations": everywhere}]
    wall = {"id": "f", "name": "edge", "status": "succeeded", "inbound_rules": rules, "outbound_rules": out}
    says(alice, "firewalls", {"firewalls": [wall], "meta": {"total": 1}})
    reserved = [{"ip": "198.18.9.9", "droplet": {"id": 4711}}, {"ip": "198.18.9.8", "droplet": None}]
    says(alice, "reserved_ips", {"reserved_ips": reserved, "meta": {"total": 2}})

    page = visit(alice, acme)

    assert page.status == 200
    for fact in (
        "copy-1", "copy-2", "copy-3", "2.50 GB",
        "Backups Weekly, Sundays from 04:00 UTC, each kept 28 days, 1 kept",
        "Volumes data, 100 GB, ext4",
        "TCP 443 from anywhere", "TCP 22 from 198.18.0.0/15, tag bastion", "ICMP from 2 droplets, 1 load balancer",
        "UDP, all ports to anywhere",
        "Reserved IP 198.18.9.9",
    ):  # fmt: skip
        assert fact in page.text
    assert "elsewhere" not in page.text
    assert "198.18.9.8" not in page.text


def test_it_agrees_with_what_digitalocean_has(alice: Person) -> None:
    connection = alice.connect("Acme Web")
    token = str(alice.sandbox.connect(team="Acme Web")["access_token"])
    droplets = alice.sandbox.get("/v2/droplets?per_page=200", token).json()["droplets"]
    rich = max(droplets, key=lambda each: len(each["volume_ids"]) * 10 + len(each["snapshot_ids"]))
    assert rich["volume_ids"]

    page = Page(alice.client.get(f"/droplets/{connection.pk}/{rich['id']}/"))

    volumes = alice.sandbox.get("/v2/volumes?per_page=200", token).json()["volumes"]
    for volume in volumes:
        assert (volume["name"] in page.text) == (rich["id"] in (volume["droplet_ids"] or []))
    assert "Try again" not in page.text


def test_the_parts_are_read_in_parallel(alice: Person, acme: Connection) -> None:
    alice.sandbox.settings(latency_ms=400)
    alice.sandbox.reset_counters()

    visit(alice, acme)

    in_flight = alice.sandbox.counters().in_flight_max
    assert len(in_flight) == len(PARTS) + 1


def test_the_teams_lists_are_read_once_a_minute(alice: Person, acme: Connection) -> None:
    first = visit(alice, acme)
    alice.sandbox.reset_counters()

    second = visit(alice, acme)

    assert second.text == first.text
    asked = alice.sandbox.counters().by_endpoint
    assert not [path for path in asked if path.endswith(("/volumes", "/vpcs", "/reserved_ips"))]
    assert sum(asked.values()) == len(PARTS) + 1 - 3
    team_lists.forget(acme.pk)
    visit(alice, acme)
    assert alice.sandbox.counters().by_endpoint["GET /v2/volumes"] == 1


def test_a_team_that_is_disconnected_leaves_no_lists(
    alice: Person, acme: Connection, django_capture_on_commit_callbacks: Any
) -> None:
    visit(alice, acme)
    assert set(team_lists.load(acme.pk)) == {"volumes", "vpcs", "reserved_ips"}
    saved = team_lists.load(acme.pk)

    with django_capture_on_commit_callbacks(execute=True):
        alice.client.post(f"/accounts/connections/{acme.pk}/disconnect/")

    assert team_lists.load(acme.pk) == {}
    team_lists.save(acme, saved)  # by a page that was still being read
    assert team_lists.load(acme.pk) == {}


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ({"plan": "intra_daily_4h", "hour": 4, "retention_period_days": 3}, "Every 4 hours, each kept 3 days"),
        ({"plan": "weekly", "weekday": "MON", "hour": 16}, "Weekly, Mondays from 16:00 UTC"),
        ({"plan": "daily", "hour": 0}, "Daily, from 00:00 UTC"),
        ({"plan": "twice_a_year", "weekday": "SUN", "hour": 4}, "Backups Twice a year"),
        (None, "Backups On"),
    ],
)
def test_a_backup_plan_is_shown_in_words(
    alice: Person, acme: Connection, policy: dict[str, Any] | None, words: str
) -> None:
    says(alice, "backups", {"backups": [], "meta": {"total": 0}})
    says(alice, "policy", {"policy": {"droplet_id": 4711, "backup_policy": policy}})

    assert re.search(f"{words}(, [0-9]+ kept)? (Next backup|Volumes)", visit(alice, acme).text)


# Refuses


@pytest.mark.parametrize("part", PARTS)
def test_a_part_without_access_says_so(alice: Person, acme: Connection, part: str) -> None:
    alice.sandbox.fault("status", path=PARTS[part], status=403, json=NO_SCOPE)

    page = visit(alice, acme)

    assert page.status == 200
    assert "Try again" not in page.text


# Handles


@pytest.mark.parametrize("part", [part for part in PARTS if part != "vpcs"])
@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("status", {"status": 500}),
        ("status", {"status": 404}),
        ("status", {"status": 429}),
        ("html", {"status": 200}),
        ("json", {"json": []}),
        (
            "json",
            {"json": {"snapshots": 1, "backups": 1, "policy": 1, "firewalls": 1, "volumes": 1, "reserved_ips": 1}},
        ),
        ("hang", {}),
    ],
)
def test_a_part_that_fails_costs_itself_alone(
    alice: Person, acme: Connection, settings: Any, part: str, kind: str, more: dict[str, Any]
) -> None:
    settings.PAGE_DEADLINE = 1.0
    alice.sandbox.fault(kind, path=PARTS[part], **more)

    page = visit(alice, acme)

    assert page.status == 200
    is_answer = part == "policy" and more.get("status") == 404  # there is none
    assert page.text.count("Try again") == (not is_answer)
    assert "db-1" in page.text


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("status", {"status": 404}),
        ("status", {"status": 422, "json": {"id": "unprocessable_entity", "message": "Backups are not enabled."}}),
        ("json", {"json": {"policy": None}}),
    ],
)
def test_without_backups_they_are_off_whatever_the_policy_says(
    alice: Person, acme: Connection, kind: str, more: dict[str, Any]
) -> None:
    alice.sandbox.droplets("Acme Web", patch=[{"index": 0, "set": {"features": ["ipv6"], "backup_ids": []}}])
    alice.sandbox.fault(kind, path=PARTS["policy"], **more)

    page = visit(alice, acme)

    assert "Backups Off" in page.text
    assert "Try again" not in page.text


def without_hours(text: str) -> str:
    """Without what changes when an hour ends between two visits."""
    return re.sub(r"\d+ hours?", "", text)


@pytest.mark.parametrize("garbage", [b"", b"\xc1", b"\x90", "text", 7, None])
def test_garbage_in_the_cache_is_read_again(
    alice: Person, acme: Connection, garbage: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = without_hours(visit(alice, acme).text)
    monkeypatch.setattr(shared(), "get_many", lambda keys: dict.fromkeys(keys, garbage))

    assert team_lists.load(acme.pk) == {}
    monkeypatch.undo()
    assert without_hours(visit(alice, acme).text) == found


@pytest.mark.parametrize("part", [part for part in PARTS if part != "policy"])
def test_a_list_that_is_null_is_empty(alice: Person, acme: Connection, part: str) -> None:
    says(alice, part, {part: None, "meta": {"total": 0}})

    page = visit(alice, acme)

    assert page.status == 200
    assert "Try again" not in page.text


def test_odd_items_cost_themselves(alice: Person, acme: Connection) -> None:
    says(alice, "snapshots", {"snapshots": [image(1), {"id": "x"}, None, image(2, name={})], "meta": {"total": 4}})

    page = visit(alice, acme)

    assert "copy-1" in page.text
    assert "2 more could not be read" in page.text


def test_hostile_words_are_shown_as_words(alice: Person, acme: Connection) -> None:
    says(alice, "snapshots", {"snapshots": [image(1, name=HOSTILE)]})
    rule = {"protocol": HOSTILE, "ports": HOSTILE, "sources": {"addresses": [HOSTILE, 7], "tags": {"a": 1}}}
    wall = {"id": "f", "name": HOSTILE, "status": HOSTILE, "inbound_rules": [rule], "outbound_rules": None}
    says(alice, "firewalls", {"firewalls": [wall]})
    says(alice, "volumes", {"volumes": [{"id": "v", "name": HOSTILE, "droplet_ids": [4711]}]})
    plan = {"plan": HOSTILE, "weekday": HOSTILE, "hour": 99}
    says(alice, "policy", {"policy": {"backup_policy": plan}})

    page = visit(alice, acme)

    assert page.status == 200
    assert all(attrs["src"].startswith("/static/") for tag, attrs in page.tags if tag == "script")
    assert "\u202e" not in page.html
    assert re.search(r"<script>alert", page.html) is None
