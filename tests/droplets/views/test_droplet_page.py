from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from allauth.socialaccount.models import SocialToken
from django.test import Client
from django.utils import timezone

from accounts.models import Connection
from droplets.calls import rate_limit
from tests.droplets.views.page import Page
from tests.support.person import Person

ONE = "/v2/droplets/[0-9]+$"
ENDPOINT = "GET /v2/droplets/{droplet_id}"


@pytest.fixture
def acme(alice: Person) -> Connection:
    """Alice's connection to a team whose only droplet is number 4711."""
    connection = alice.connect("Acme Web")
    alice.sandbox.droplets("Acme Web", count=1)
    change(alice, id=4711, name="db-primary")
    alice.client.get("/accounts/3rdparty/")  # reads the messages, so that they are not on the pages below
    return connection


def change(person: Person, **fields: Any) -> None:
    """Change the droplet."""
    person.sandbox.droplets("Acme Web", patch=[{"index": 0, "set": fields}])


def visit(person: Person, connection: Connection, droplet: object = 4711) -> Page:
    return Page(person.client.get(f"/droplets/{connection.pk}/{droplet}/"))


# Works


def test_it_shows_what_digitalocean_says(alice: Person, acme: Connection) -> None:
    v4 = [
        {"ip_address": "203.0.113.11", "netmask": "255.255.240.0", "gateway": "203.0.113.1", "type": "public"},
        {"ip_address": "10.0.0.2", "netmask": "255.255.240.0", "gateway": "nil", "type": "private"},
    ]
    v6 = [{"ip_address": "2001:db8::1", "netmask": 64, "gateway": "2001:db8::ffff", "type": "public"}]
    change(
        alice,
        status="active",
        locked=True,
        vcpus=20,
        memory=245760,
        disk=720,
        size_slug="gpu-h100x1-80gb",
        size={
            "description": "H100 GPU", "transfer": 15.0, "price_monthly": 2522.16, "price_hourly": 3.3899998664855957,
        },
        disk_info=[
            {"type": "local", "size": {"amount": 720, "unit": "gib"}},
            {"type": "scratch", "size": {"amount": 5120, "unit": "gib"}},
        ],
        gpu_info={"count": 1, "model": "nvidia_h100", "vram": {"amount": 80, "unit": "gib"}},
        image={"name": "24.04 (LTS) x64", "distribution": "Ubuntu", "slug": "ubuntu-24-04-x64", "public": True},
        kernel={"id": 1, "name": "GrubLoader v0.2", "version": "2016.07.13"},
        region={"name": "Frankfurt 1", "slug": "fra1"},
        networks={"v4": v4, "v6": v6},
        vpc_uuid="760e09ef-dc84-11e8-981e-3cfdfeaae000",
        tags=["web", "env:prod"],
        features=["backups", "private_networking"],
        volume_ids=["506f78a4-e098-11e5-ad9f-000f53306ae1"],
        snapshot_ids=[1, 2],
        backup_ids=[3, 4, 5],
        next_backup_window={"start": "2030-12-04T00:00:00Z", "end": "2030-12-04T04:00:00Z"},
        created_at="2020-07-21T18:37:44Z",
    )  # fmt: skip

    page = visit(alice, acme)

    assert page.status == 200
    for fact in (
        "db-primary",
        "Active",
        "Locked by an action",
        "Acme Web",
        "Public IPv4 203.0.113.11",
        "Public IPv6 2001:db8::1",
        "Private IPv4 10.0.0.2",
        "VPC 760e09ef-dc84-11e8-981e-3cfdfeaae000",
        "Price $2,522 a month, $3.39 an hour",
        "Size gpu-h100x1-80gb, H100 GPU",
        "CPU 20 vCPUs",
        "GPU 1 × nvidia h100, 80 GB memory",
        "Memory 240 GB",
        "Disks 720 GB local, 5 TB scratch",
        "Transfer 15 TB a month included",
        "Image Ubuntu 24.04, ubuntu-24-04-x64",
        "Kernel GrubLoader v0.2, 2016.07.13",
        "Region Frankfurt, fra1",
        "web",
        "env:prod",
        "Features backups, private networking",
        "21 Jul 2020, 18:37 UTC",
        "Droplet id 4711",
        "Backups ",
        "4 Dec 2030, 00:00 to 04:00 UTC",
    ):
        assert fact in page.text


def test_a_new_droplet_has_no_address_yet(alice: Person, acme: Connection) -> None:
    change(alice, status="new", networks={"v4": [], "v6": []})

    assert "Not assigned yet" in visit(alice, acme).text


def test_every_droplet_of_the_list_has_its_page(alice: Person) -> None:
    connection = alice.connect("Acme Web")
    alice.sandbox.droplets("Acme Web", count=25)  # with a GPU droplet
    links = Page(alice.client.get("/droplets/")).droplets()

    def status(link: str) -> int:
        rate_limit.forget(connection.pk)  # 26 pages in a row make more calls than a minute allows
        return alice.client.get(link).status_code

    assert len(links) == 25 + 1
    assert {status(link) for link in links} == {200}


def test_a_token_that_meets_a_401_is_refreshed(alice: Person, acme: Connection) -> None:
    alice.sandbox.expire()

    assert visit(alice, acme).status == 200
    assert alice.sandbox.counters().refresh_requests == 1


def test_a_token_whose_time_is_over_is_renewed_first(alice: Person, acme: Connection) -> None:
    SocialToken.objects.update(expires_at=timezone.now() - timedelta(minutes=1))

    assert visit(alice, acme).status == 200
    assert alice.sandbox.counters().by_endpoint[ENDPOINT] == 1


# Refuses


def test_it_requires_login(acme: Connection) -> None:
    answer = Client().get(f"/droplets/{acme.pk}/4711/")

    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/")


def test_somebody_elses_connection_is_not_there(acme: Connection, bob: Person) -> None:
    bob.sandbox.reset_counters()

    assert visit(bob, acme).status == 404
    assert bob.sandbox.counters().total == 0


@pytest.mark.usefixtures("acme")
def test_no_connection_is_not_there(alice: Person) -> None:
    assert alice.client.get(f"/droplets/{uuid4()}/4711/").status_code == 404


@pytest.mark.parametrize("droplet", [2**63, 10**40, "9" * 5000, "-1", "x", "4711.0", "%00"])
def test_a_number_that_is_none_is_not_there(alice: Person, acme: Connection, droplet: object) -> None:
    alice.sandbox.reset_counters()

    assert visit(alice, acme, droplet).status == 404
    assert alice.sandbox.counters().total == 0


def test_another_teams_droplet_is_not_there(alice: Person, acme: Connection) -> None:
    alice.connect("Northwind")
    links = Page(alice.client.get("/droplets/")).droplets()
    theirs = next(link for link in links if str(acme.pk) not in link)

    page = visit(alice, acme, theirs.split("/")[3])

    assert page.status == 404
    assert "Acme Web has no droplet" in page.text


def test_it_takes_no_post(alice: Person, acme: Connection) -> None:
    assert alice.client.post(f"/droplets/{acme.pk}/4711/").status_code == 405


# Handles


@pytest.mark.parametrize("droplet", [0, 77, 2**63 - 1])
def test_a_droplet_that_does_not_exist_has_its_own_page(alice: Person, acme: Connection, droplet: int) -> None:
    page = visit(alice, acme, droplet)

    assert page.status == 404
    assert f"Acme Web has no droplet {droplet}." in page.text


@pytest.mark.parametrize(
    ("kind", "more", "sentence"),
    [
        ("status", {"status": 500}, "DigitalOcean is having trouble answering."),
        ("status", {"status": 503}, "DigitalOcean is having trouble answering."),
        ("status", {"status": 429, "headers": {"retry-after": "42"}}, "rate limit for this team is reached"),
        ("reset", {}, "broke before DigitalOcean answered."),
        ("truncate", {"at": 100}, "broke before DigitalOcean answered."),
        ("hang", {}, "DigitalOcean answered too slowly."),
        ("drip", {"bytes_per_second": 50}, "DigitalOcean answered too slowly."),
        ("empty", {}, "sent an unexpected answer."),
        ("html", {"status": 200}, "sent an unexpected answer."),
        ("redirect", {"location": "http://127.0.0.1:9/"}, "sent an unexpected answer."),
        ("json", {"json": {"droplet": None}}, "sent an unexpected answer."),
        ("json", {"json": {"droplet": {"id": "4711"}}}, "sent an unexpected answer."),
        ("json", {"json": {"droplet": {"id": 4712}}}, "sent an unexpected answer."),
    ],
)
def test_an_error_is_a_page_with_a_way_on(
    alice: Person, acme: Connection, settings: Any, kind: str, more: dict[str, Any], sentence: str
) -> None:
    settings.PAGE_DEADLINE = 0.8
    alice.sandbox.fault(kind, path=ONE, **more)

    page = visit(alice, acme)

    assert page.status == 502
    assert "Droplet 4711" in page.text
    assert "Acme Web: " in page.text
    assert sentence in page.text
    assert [attrs["href"] for _, attrs in page.with_class("btn-primary")] == [f"/droplets/{acme.pk}/4711/"]


@pytest.mark.parametrize("kind", ["revoked", "forbidden"])
def test_what_needs_the_owner_says_so_with_a_button(alice: Person, acme: Connection, kind: str) -> None:
    if kind == "revoked":
        alice.sandbox.revoke()
    else:
        alice.sandbox.fault("status", path=ONE, status=403)

    for page in (visit(alice, acme), visit(alice, acme)):
        assert page.status == 409
        assert page.with_class("banner-bad")
        assert f"/accounts/connections/{acme.pk}/reconnect/" in page.actions()


def test_a_401_that_stays_is_trouble_and_no_loop(alice: Person, acme: Connection) -> None:
    alice.sandbox.fault("status", path=ONE, status=401)

    page = visit(alice, acme)

    assert page.status == 502
    assert alice.sandbox.counters().by_endpoint[ENDPOINT] == 2
    assert alice.sandbox.counters().refresh_requests == 1


def test_a_droplet_of_nulls_has_a_page(alice: Person, acme: Connection) -> None:
    for value in (None, {}):
        nothing = dict.fromkeys(
            ("image", "size", "region", "networks", "kernel", "gpu_info", "next_backup_window"), value
        )
        lists = dict.fromkeys(("tags", "features", "volume_ids", "snapshot_ids", "backup_ids", "disk_info"))
        flat = dict.fromkeys(
            ("name", "status", "locked", "memory", "vcpus", "disk", "size_slug", "vpc_uuid", "created_at")
        )
        change(alice, **nothing, **lists, **flat)

        page = visit(alice, acme)

        assert page.status == 200
        assert "Unknown" in page.text
        assert "Not visible with this access" in page.text
        assert ", ," not in page.text


def test_hostile_texts_are_shown_as_text(alice: Person, acme: Connection) -> None:
    hostile = "<script>alert(1)</script>\"'>\u202egnp.exe" + "x" * 200
    change(
        alice,
        name=hostile,
        status=hostile,
        size_slug=hostile,
        vpc_uuid=hostile,
        tags=[hostile],
        features=[hostile],
        volume_ids=[hostile],
        image={"name": hostile, "slug": hostile},
        region={"name": hostile, "slug": hostile},
        size={"description": hostile},
        kernel={"name": hostile, "version": hostile},
        gpu_info={"count": 1, "model": hostile, "vram": {"amount": 1, "unit": hostile}},
        disk_info=[{"type": hostile, "size": {"amount": 1, "unit": hostile}}] * 2,
        networks={"v4": [{"ip_address": hostile, "type": kind} for kind in ("public", "private")]},
    )

    page = visit(alice, acme)

    assert page.status == 200
    assert all(attrs["src"].startswith("/static/") for tag, attrs in page.tags if tag == "script")
    assert "\u202e" not in page.html
    assert set(re.findall("xxxx</([a-z]+)>", page.html)) == {"bdi"}  # isolated, wherever it stands
