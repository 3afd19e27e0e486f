"""Rules that need no DigitalOcean: choices of sizes and images, the polling interval, scopes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from digitalocean_client.actions import Image, Size
from digitalocean_client.schema import Droplet, Gpu, Region
from digitalocean_client.schema import DropletImage as DropletImage
from digitalocean_client.schema import DropletSize as DropletSize
from droplets.actions import choices, timing
from droplets.actions.availability import missing_scopes
from droplets.actions.display import ActionDisplay

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def droplet(**fields: Any) -> Droplet:
    given: dict[str, Any] = {
        "id": 1,
        "region": Region("nyc3"),
        "disk": 80,
        "size_slug": "now",
        "size": DropletSize(price_monthly=24),
    }
    return Droplet(**given | fields)


def size(slug: str, **fields: Any) -> Size:
    given: dict[str, Any] = {"available": True, "regions": ["fra1", "nyc3"], "disk": 80, "price_monthly": 48.0}
    return Size(slug, **given | fields)


def image(id: int, **fields: Any) -> Image:
    return Image(id, **{"name": f"image {id}", "regions": ["nyc3"], "type": "snapshot", **fields})


@pytest.mark.parametrize(
    ("fields", "is_offered"),
    [
        ({}, True),
        ({"disk": 160}, True),
        ({"available": False}, False),
        ({"available": None}, False),
        ({"regions": ["fra1"]}, False),
        ({"regions": None}, False),
        ({"disk": 79}, False),
        ({"disk": None}, False),
        ({"gpu_info": Gpu(1)}, False),
    ],
)
def test_a_size_has_to_fit(fields: dict[str, Any], is_offered: bool) -> None:
    assert bool(choices.sizes([size("other", **fields)], droplet())) == is_offered


def test_the_size_that_it_has_is_none_to_choose() -> None:
    assert not choices.sizes([size("now")], droplet())


def test_a_droplet_with_graphics_processors_stays_one() -> None:
    found = choices.sizes([size("plain"), size("gpu", gpu_info=Gpu(8))], droplet(gpu_info=Gpu(1)))

    assert [choice.slug for choice in found] == ["gpu"]


def test_sizes_come_cheapest_first_with_the_difference_in_price() -> None:
    found = choices.sizes([size("b"), size("c", price_monthly=None), size("a", price_monthly=12)], droplet())

    assert [(choice.slug, choice.difference) for choice in found] == [("c", None), ("a", -12), ("b", 24)]


def test_without_its_region_nothing_can_be_said_to_fit() -> None:
    assert not choices.sizes([size("other")], droplet(region=None))
    assert not choices.images([image(1)], [image(2)], droplet(region=None))


@pytest.mark.parametrize(
    ("fields", "is_offered"),
    [
        ({}, True),
        ({"type": "custom"}, True),
        ({"type": "backup"}, False),
        ({"regions": []}, False),
        ({"min_disk_size": 80}, True),
        ({"min_disk_size": 81}, False),
        ({"status": "available"}, True),
        ({"status": "deleted"}, False),
    ],
)
def test_an_image_has_to_fit(fields: dict[str, Any], is_offered: bool) -> None:
    assert bool(choices.images([], [image(1, **fields)], droplet())) == is_offered


def test_a_distribution_is_sent_by_its_slug_and_an_own_image_by_its_id() -> None:
    public = [image(9, slug="ubuntu-24-04-x64", name="24.04 (LTS) x64", distribution="Ubuntu", public=True), image(8)]
    found = choices.images(public, [image(1), image(2)], droplet())

    assert [(choice.name, choice.api_value) for choice in found] == [
        ("image 8", 8),
        ("Ubuntu 24.04", "ubuntu-24-04-x64"),
        ("image 2", 2),
        ("image 1", 1),
    ]
    assert choices.current_image(found, droplet(image=DropletImage(slug="ubuntu-24-04-x64"))) == "ubuntu-24-04-x64"
    assert choices.current_image(found, droplet(image=DropletImage(id=2))) == "2"
    assert choices.current_image(found, droplet()) == ""


@pytest.mark.parametrize(
    ("granted", "needed", "missing"),
    [
        ("write", "droplet:delete image:create", ""),
        ("read write", "droplet:update", ""),
        ("read", "droplet:update sizes:read", "droplet:update"),
        ("droplet:update", "droplet:update sizes:read", "sizes:read"),
        ("droplet:update_all", "droplet:update", "droplet:update"),
        ("", "droplet:update", "droplet:update"),
    ],
)
def test_a_scope_reaches_what_it_says(granted: str, needed: str, missing: str) -> None:
    assert missing_scopes(granted, needed.split()) == tuple(missing.split())


@pytest.mark.parametrize(("age", "pause"), [(-5, 2), (0, 2), (20, 2), (90, 9), (600, 60), (86_400, 60)])
def test_the_longer_an_action_takes_the_less_it_is_polled(age: float, pause: float) -> None:
    assert timing.pause(NOON, NOON + timedelta(seconds=age)).total_seconds() == pause


@pytest.mark.parametrize(
    ("seconds", "took"), [(0, "0 s"), (99, "99 s"), (150, "2 min"), (5990, "100 min"), (7200, "2 h"), (-1, "")]
)
def test_the_duration_is_rounded(seconds: float, took: str) -> None:
    assert ActionDisplay("", "", "", NOON, NOON + timedelta(seconds=seconds), "", "").took == took
