from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from digitalocean_client.answers import Answer
from digitalocean_client.decoding import single_object
from digitalocean_client.errors import UnexpectedAnswer
from digitalocean_client.lists import ListPage, list_page
from digitalocean_client.schema import (
    Address,
    BackupWindow,
    Disk,
    Droplet,
    DropletImage,
    DropletSize,
    Kernel,
    ListedDroplet,
    Networks,
    Region,
)
from digitalocean_client.text import clean_text

AS_WRITTEN = (
    "größe-東京",
    "東京\u3000チーム",  # an ideographic space
    "à\u00a0côté",
    "می\u200cخواهم",  # Persian, with a zero width non-joiner
    "क्\u200dष",  # Hindi, with a zero width joiner
    "שלום\u200f!",  # Hebrew, with a right-to-left mark
    "👩\u200d💻 team",
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",  # the flag of England
    "🇩🇪 Berlin",
    "\U0001fae9 tired",  # of Unicode 16, newer than this Python
)


def answer(document: Any) -> Answer:
    return Answer(200, {}, json.dumps(document).encode(), "request-1")


def page_of(*rows: Any) -> ListPage[ListedDroplet]:
    document = {"droplets": rows, "links": {}, "meta": {"total": len(rows)}}
    return list_page(answer(document), "droplets", ListedDroplet)


def one(**fields: Any) -> Droplet:
    return single_object(answer({"droplet": {"id": 7, "name": "web-1", **fields}}), "droplet", Droplet)


# Works


def test_it_reads_a_page_with_its_total_and_request_id() -> None:
    page = page_of({"id": 1, "name": "a"}, {"id": 2, "name": "b"})

    assert [droplet.id for droplet in page.items] == [1, 2]
    assert (page.total, page.unreadable, page.length, page.request_id) == (2, 0, 2, "request-1")


def test_it_takes_absent_and_null_fields() -> None:
    everything = {name: None for name in Droplet.__struct_fields__ if name != "id"}

    for droplet in (one(), one(**everything)):
        assert droplet.image is None
        assert droplet.public_v4 == []


def test_it_takes_fields_and_statuses_it_does_not_know() -> None:
    droplet = one(status="hibernating", flavour="vanilla", size={"price_monthly": 6, "colour": "green"})

    assert droplet.status == "hibernating"
    assert droplet.size is not None
    assert droplet.size.price_monthly == 6.0


def test_it_tells_addresses_apart() -> None:
    networks = {
        "v4": [
            {"ip_address": "10.0.0.2", "netmask": "255.255.240.0", "gateway": "nil", "type": "private"},
            {"ip_address": "203.0.113.11", "gateway": None, "type": "public"},
            {"ip_address": "", "gateway": "", "type": "public"},
        ],
        "v6": [{"ip_address": "2001:db8::1", "netmask": 64, "gateway": "2001:db8::ffff", "type": "public"}],
    }

    droplet = one(networks=networks)

    assert [a.ip_address for a in droplet.public_v4] == ["203.0.113.11"]
    assert [a.ip_address for a in droplet.private_v4] == ["10.0.0.2"]
    assert [a.ip_address for a in droplet.public_v6] == ["2001:db8::1"]


def test_it_turns_every_moment_into_utc() -> None:
    assert one(created_at="2020-07-21T20:37:44+02:00").created_at == datetime(2020, 7, 21, 18, 37, 44, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("web-1", "web-1"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("gnp\u202eexe", "gnpexe"),
        ("a\u0000b\u001bc\u2066d\x7fe\x9bf", "abcdef"),
        ("one\ttwo\nthree\u2028four", "one two three four"),
        ("\ud800lone\udfff", "lone"),
        *((name, name) for name in AS_WRITTEN),
    ],
)
def test_it_makes_texts_safe_to_show(sent: str, shown: str) -> None:
    assert clean_text(sent) == shown
    assert one(name=sent, tags=[sent], image={"name": sent}).name == shown


# Refuses


@pytest.mark.parametrize(
    "document",
    [
        [],
        None,
        "droplets",
        {},
        {"droplets": {}, "meta": {"total": 0}},
        {"droplets": []},
        {"droplets": [], "meta": None},
        {"droplets": [], "meta": {}},
        {"droplets": [], "meta": {"total": "many"}},
        {"droplets": [], "meta": {"total": -1}},
    ],
)
def test_it_refuses_a_page_without_its_frame(document: Any) -> None:
    with pytest.raises(UnexpectedAnswer) as caught:
        list_page(answer(document), "droplets", ListedDroplet, needs_total=True)

    assert caught.value.request_id == "request-1"


@pytest.mark.parametrize(
    "droplet",
    [
        None,
        [],
        "x",
        {},
        {"id": "7"},
        {"id": 0},
        {"id": 2**63},
    ],
)
def test_it_refuses_a_droplet_that_is_none(droplet: Any) -> None:
    with pytest.raises(UnexpectedAnswer):
        single_object(answer({"droplet": droplet}), "droplet", Droplet)


# Handles


@pytest.mark.parametrize(
    "odd",
    [
        None,
        17,
        [],
        {},
        {"id": None, "name": "x"},
        {"id": 0},
        {"id": 2.5},
        {"id": True},
    ],
)
def test_a_droplet_without_an_id_costs_itself_and_no_other(odd: Any) -> None:
    page = page_of({"id": 1, "name": "before"}, odd, {"id": 3, "name": "after"})

    assert [droplet.name for droplet in page.items] == ["before", "after"]
    assert (page.unreadable, page.length) == (1, 3)


ODD: list[tuple[dict[str, Any], str, Any]] = [
    ({"name": 5}, "name", None),
    ({"status": []}, "status", None),
    ({"locked": "yes"}, "locked", None),
    ({"memory": "8 GB"}, "memory", None),
    ({"vcpus": -1}, "vcpus", None),
    ({"disk": 10**30}, "disk", None),
    ({"tags": "web"}, "tags", None),
    ({"tags": ["web", None, 7, "db"]}, "tags", ["web", "db"]),
    ({"created_at": ""}, "created_at", None),
    ({"created_at": "yesterday"}, "created_at", None),
    ({"created_at": "2020-07-21T18:37:44"}, "created_at", None),
    ({"created_at": "0001-01-01T00:00:00+14:00"}, "created_at", None),
    ({"image": {"id": 0, "name": "24.04"}}, "image", DropletImage(name="24.04")),
    ({"image": "debian"}, "image", None),
    ({"size": {"slug": "s", "price_monthly": "6.00"}}, "size", DropletSize(slug="s")),
    ({"size": {"slug": "s", "price_monthly": 1e308}}, "size", DropletSize(slug="s")),
    ({"networks": []}, "networks", None),
    ({"networks": {"v4": None, "v6": [7, {"type": "public"}]}}, "networks", Networks(v6=[Address(type="public")])),
    ({"region": {"slug": "fra1", "name": {}}}, "region", Region(slug="fra1")),
]


@pytest.mark.parametrize(("fields", "name", "expected"), ODD)
def test_an_odd_field_is_unknown_and_its_droplet_is_there(fields: dict[str, Any], name: str, expected: Any) -> None:
    page = page_of({"id": 1}, {"id": 2, "size_slug": "s-1", **fields})

    assert [droplet.id for droplet in page.items] == [1, 2]
    assert page.unreadable == 0
    for droplet in (page.items[1], one(size_slug="s-1", **fields)):
        assert (droplet.size_slug, getattr(droplet, name)) == ("s-1", expected)


@pytest.mark.parametrize(
    ("fields", "name", "expected"),
    [
        ({"next_backup_window": {"start": "9999-12-31T23:00:00-10:00"}}, "next_backup_window", BackupWindow()),
        ({"next_backup_window": 5}, "next_backup_window", None),
        ({"disk_info": [{"type": "local", "size": 5}, 7]}, "disk_info", [Disk(type="local")]),
        ({"snapshot_ids": [1, 0, "2", 3]}, "snapshot_ids", [1, 3]),
        ({"kernel": {"name": None, "version": 4}}, "kernel", Kernel()),
    ],
)
def test_an_odd_field_of_the_droplet_alone_is_unknown(fields: dict[str, Any], name: str, expected: Any) -> None:
    assert getattr(one(**fields), name) == expected


@pytest.mark.parametrize(
    "body",
    [
        b'{"id": 2, "name": "a", "size": {"price_monthly": 1e999}}',
        b'{"id": 2, "name": "a", "memory": ' + b"9" * 5_000 + b"}",
        b'{"id": 2, "name": "a", "disk": NaN}',
        b'{"id": 2, "name": "a\\udfff"}',
        b'{"id": 2, "name": "a", "\\ud800": 1}',
        b'{"id": 2, "name": "a", "tags": ["\xff"]}',
    ],
)
def test_what_json_does_not_allow_costs_no_page(body: bytes) -> None:
    page = list_page(
        Answer(200, {}, b'{"droplets": [{"id": 1}, ' + body + b'], "meta": {"total": 2}}', "request-1"),
        "droplets",
        ListedDroplet,
    )

    assert [(droplet.id, droplet.name) for droplet in page.items] == [(1, None), (2, "a")]


@pytest.mark.parametrize("key", ["droplets", "firewalls", "actions"])
def test_null_is_an_empty_list(key: str) -> None:
    page = list_page(answer({key: None, "meta": {"total": 3}}), key, ListedDroplet)

    assert (page.items, page.unreadable, page.total) == ([], 0, 3)


def test_what_no_list_shows_costs_no_droplet_its_place() -> None:
    page = page_of({"id": 1, "features": "ipv6", "next_backup_window": 5, "volume_ids": {}})

    assert (len(page.items), page.unreadable) == (1, 0)


@pytest.mark.parametrize("name", ["web-1", "größe-東京", 'the "first"', "a\u202eb"])
def test_a_page_reads_the_same_whether_all_of_it_is_plain_or_not(name: str) -> None:
    page = page_of({"id": 1, "name": "web-1", "created_at": "2020-07-21T18:37:44Z"}, {"id": 2, "name": name})

    assert page.items[0] == page_of({"id": 1, "name": "web-1", "created_at": "2020-07-21T18:37:44Z"}).items[0]
    assert (page.items[1].name, page.unreadable, page.total) == (clean_text(name), 0, 2)


def test_the_log_tells_what_was_odd_and_no_value(caplog: pytest.LogCaptureFixture) -> None:
    page_of({"id": 1, "memory": "a-value-of-somebody"})

    assert "$.memory" in caplog.text
    assert "a-value-of-somebody" not in caplog.text
