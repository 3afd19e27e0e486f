from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest

from digitalocean_client.schema import Address, Droplet, DropletImage, DropletSize, Networks, Region
from droplets.fleet.summary import DropletSummary, by_name, image_name, place


def row(name: str, id_: int = 1) -> DropletSummary:
    return DropletSummary.from_droplet(Droplet(id=id_, name=name))


def image(**fields: Any) -> DropletImage:
    return DropletImage(**fields)


# Works


def test_a_row_is_flat() -> None:
    droplet = Droplet(
        id=7,
        name="web-1",
        status="active",
        locked=True,
        vcpus=4,
        memory=8192,
        disk=160,
        size_slug="s-4vcpu-8gb",
        size=DropletSize(price_monthly=48.0),
        region=Region(slug="fra1", name="Frankfurt 1"),
        image=image(name="24.04 (LTS) x64", distribution="Ubuntu", public=True),
        networks=Networks(
            v4=[
                Address("10.0.0.2", "private"),
                Address("203.0.113.11", "public"),
            ],
            v6=[Address("2001:db8::1", "public")],
        ),
        tags=["web", "env:prod"],
    )

    found = DropletSummary.from_droplet(droplet)

    assert found == DropletSummary(
        7, "web-1", "active", True, "Ubuntu 24.04", "Frankfurt", "fra1", "s-4vcpu-8gb", 4, 8192, 160,
        ("203.0.113.11", "2001:db8::1"), ("10.0.0.2",), ("web", "env:prod"), 48.0, None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"name": "24.04 (LTS) x64", "distribution": "Ubuntu", "public": True}, "Ubuntu 24.04"),
        ({"name": "12 x64", "distribution": "Debian", "public": True}, "Debian 12"),
        ({"name": "Docker 25.0.3 on Ubuntu 22.04", "distribution": "Ubuntu", "public": True},
         "Docker 25.0.3 on Ubuntu 22.04"),
        ({"name": "2024-golden", "distribution": "Ubuntu", "public": False}, "2024-golden"),
        ({"distribution": "Fedora"}, "Fedora"),
        ({"slug": "nifty1"}, "nifty1"),
        ({}, ""),
    ],
)  # fmt: skip
def test_images_are_called_as_people_call_them(fields: dict[str, Any], name: str) -> None:
    assert image_name(image(**fields)) == name


def test_a_region_without_a_name_is_called_by_its_slug() -> None:
    assert place(Region(slug="xyz9")) == "xyz9"
    assert place(Region(slug="nyc3", name="New York 3")) == "New York"


def test_names_are_sorted_as_people_count_and_equals_by_id() -> None:
    wanted = ["10-front", "api", "API-2", "api-10", "web-2", "web-02", "web-009", "web-10a", "web-10b", "zoo"]
    rows = [row(name, id_) for id_, name in enumerate(wanted, 1)]

    for mixed in (rows[::-1], random.sample(rows, len(rows))):
        assert [found.name for found in sorted(mixed, key=by_name)] == wanted


# Handles


def test_a_droplet_that_tells_nothing_but_its_id_is_a_row() -> None:
    found = DropletSummary.from_droplet(Droplet(id=7, name="  "))

    assert found.name == "Droplet 7"
    assert (found.image, found.region, found.address, found.monthly) == ("", "", "", None)


def test_a_name_of_digits_alone_can_be_sorted() -> None:
    rows = [row("9" * 5000), row("1"), row("²"), row("٣"), row("")]

    assert len(sorted(rows, key=by_name)) == 5


def test_a_version_6_address_stands_in_where_there_is_no_other() -> None:
    v6 = Address("2001:db8::1", "public")

    assert DropletSummary.from_droplet(Droplet(id=1, networks=Networks(v6=[v6]))).address == "2001:db8::1"


def test_rows_can_be_kept_small() -> None:
    kept = msgspec.msgpack.encode(row("web-1"), enc_hook=str)

    assert msgspec.msgpack.decode(kept, type=DropletSummary) == row("web-1")
