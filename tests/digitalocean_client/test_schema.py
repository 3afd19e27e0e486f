from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from digitalocean_client import schema
from digitalocean_client.errors import UnexpectedAnswer
from digitalocean_client.http import Answer
from digitalocean_client.text import Text


def answer(document: Any) -> Answer:
    return Answer(200, {}, json.dumps(document).encode(), "request-1")


def page_of(*rows: Any) -> schema.Page:
    return schema.page(answer({"droplets": rows, "links": {}, "meta": {"total": len(rows)}}))


def one(**fields: Any) -> schema.Droplet:
    return schema.droplet(answer({"droplet": {"id": 7, "name": "web-1", **fields}}))


# Works


def test_it_reads_a_page_with_its_total_and_request_id() -> None:
    page = page_of({"id": 1, "name": "a"}, {"id": 2, "name": "b"})

    assert [droplet.id for droplet in page.droplets] == [1, 2]
    assert (page.total, page.unreadable, page.length, page.request_id) == (2, 0, 2, "request-1")


def test_it_takes_absent_and_null_fields() -> None:
    everything = {name: None for name in schema.Droplet.__struct_fields__ if name != "id"}

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
        ("gnp\u202eexe", "gnp\ufffdexe"),
        ("a\u0000b\u001bc\u2066d\u200fe", "a\ufffdb\ufffdc\ufffdd\ufffde"),
        ("one\u00a0two\nthree\u2028four", "one two three four"),
        ("größe-東京", "größe-東京"),
    ],
)
def test_it_makes_texts_safe_to_show(sent: str, shown: str) -> None:
    assert Text(sent) == shown
    assert one(name=sent, tags=[sent], image={"name": sent}).name == shown


# Refuses


@pytest.mark.parametrize(
    "document",
    [
        [],
        None,
        "droplets",
        {},
        {"droplets": None, "meta": {"total": 0}},
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
        schema.page(answer(document))

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
        {"id": 7, "memory": "8 GB"},
        {"id": 7, "next_backup_window": {"start": "9999-12-31T23:00:00-10:00"}},
    ],
)
def test_it_refuses_a_droplet_that_is_none(droplet: Any) -> None:
    with pytest.raises(UnexpectedAnswer):
        schema.droplet(answer({"droplet": droplet}))


# Handles


@pytest.mark.parametrize(
    "odd",
    [
        None,
        17,
        [],
        {},
        {"id": None, "name": "x"},
        {"id": 2, "name": 5},
        {"id": 2, "tags": "web"},
        {"id": 2, "tags": [None]},
        {"id": 2, "vcpus": -1},
        {"id": 2, "size": {"price_monthly": 1e308}},
        {"id": 2, "created_at": "yesterday"},
        {"id": 2, "created_at": "2020-07-21T18:37:44"},
        {"id": 2, "created_at": "0001-01-01T00:00:00+14:00"},
    ],
)
def test_an_odd_droplet_costs_itself_and_no_other(odd: Any) -> None:
    page = page_of({"id": 1, "name": "before"}, odd, {"id": 3, "name": "after"})

    assert [droplet.name for droplet in page.droplets] == ["before", "after"]
    assert (page.unreadable, page.length) == (1, 3)


def test_what_no_list_shows_costs_no_droplet_its_place() -> None:
    page = page_of({"id": 1, "features": "ipv6", "next_backup_window": 5, "volume_ids": {}})

    assert (len(page.droplets), page.unreadable) == (1, 0)


@pytest.mark.parametrize("name", ["web-1", "größe-東京", 'the "first"', "a\u202eb"])
def test_a_page_reads_the_same_whether_all_of_it_is_plain_or_not(name: str) -> None:
    page = page_of({"id": 1, "name": "web-1", "created_at": "2020-07-21T18:37:44Z"}, {"id": 2, "name": name})

    assert page.droplets[0] == page_of({"id": 1, "name": "web-1", "created_at": "2020-07-21T18:37:44Z"}).droplets[0]
    assert (page.droplets[1].name, page.unreadable, page.total) == (Text(name), 0, 2)


def test_the_log_tells_what_was_odd_and_no_value(caplog: pytest.LogCaptureFixture) -> None:
    page_of({"id": 1, "memory": "a-value-of-somebody"})

    assert "$.memory" in caplog.text
    assert "a-value-of-somebody" not in caplog.text
