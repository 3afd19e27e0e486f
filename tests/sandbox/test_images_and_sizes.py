"""Sizes and images, in their lists and in droplets."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.droplets import every
from tests.support.sandbox import Sandbox


@pytest.fixture
def token(sandbox: Sandbox) -> str:
    sandbox.settings(burst_limit=0)
    found: str = sandbox.connect(team="Acme Web", scope="read write")["access_token"]
    return found


def test_droplets_sizes_are_those_of_the_list(sandbox: Sandbox, token: str) -> None:
    sizes = {each["slug"]: each for each in every(sandbox, token, "sizes")}

    for droplet in every(sandbox, token, "droplets") + every(sandbox, token, "droplets", type="gpus"):
        assert droplet["size"] == sizes[droplet["size_slug"]]


def test_a_size_is_offered_where_size_and_region_agree(sandbox: Sandbox, token: str) -> None:
    droplets = [droplet for team in ("Acme Web", "Northwind") for droplet in every_of(sandbox, team)]
    regions = list({each["region"]["slug"]: each["region"] for each in droplets}.values())
    sizes = every(sandbox, token, "sizes")

    for size in sizes:
        there = [region["slug"] for region in regions if size["slug"] in region["sizes"]]
        offered = [region["slug"] for region in regions if region["slug"] in size["regions"]]
        assert there == (offered if size["available"] else [])
    assert any(not size["available"] for size in sizes)
    assert any(2 < len(size["regions"]) < 12 for size in sizes)


def every_of(sandbox: Sandbox, team: str) -> list[dict[str, Any]]:
    return every(sandbox, sandbox.connect(team=team)["access_token"], "droplets")


def test_sizes_need_two_scopes(sandbox: Sandbox) -> None:
    regions = sandbox.connect(scope="regions:read")["access_token"]
    sizes = sandbox.connect(scope="sizes:read")["access_token"]
    both = sandbox.connect(scope="sizes:read regions:read")["access_token"]

    assert [sandbox.get("/v2/sizes", each).status_code for each in (regions, sizes, both)] == [403, 403, 200]


def test_lists_come_in_pages_and_take_a_slash(sandbox: Sandbox, token: str) -> None:
    page = sandbox.get("/v2/sizes/", token, per_page=5, page=2).json()

    assert len(page["sizes"]) == 5
    assert page["links"]["pages"]["prev"] == f"{sandbox.url}/v2/sizes?page=1&per_page=5"
    assert sandbox.get("/v2/sizes", token, per_page=0).status_code == 422
    assert sandbox.get("/v2/sizes", token, per_page=200).json()["links"] == {}


def test_every_droplets_image_can_be_looked_up(sandbox: Sandbox, token: str) -> None:
    droplets = every(sandbox, token, "droplets") + every(sandbox, token, "droplets", type="gpus")

    for droplet in droplets:
        image = droplet["image"]
        assert sandbox.get(f"/v2/images/{image['id']}", token).json() == {"image": image}
        if image["slug"]:
            assert sandbox.get(f"/v2/images/{image['slug']}", token).json() == {"image": image}
    assert any(droplet["image"]["status"] == "retired" for droplet in droplets)


def test_images_are_listed_by_kind(sandbox: Sandbox, token: str) -> None:
    images = every(sandbox, token, "images")
    distributions = every(sandbox, token, "images", type="distribution")
    applications = every(sandbox, token, "images", type="application")
    private = every(sandbox, token, "images", private="true")

    def ids(found: list[dict[str, Any]]) -> set[int]:
        return {each["id"] for each in found}

    assert ids(images) == ids(distributions) | ids(applications) | ids(private)
    assert len(images) == len(distributions) + len(applications) + len(private)
    assert all(
        each["public"] and each["slug"] and each["status"] == "available" for each in distributions + applications
    )
    assert {each["type"] for each in private} == {"snapshot", "backup"}
    assert not any(each["public"] or each["slug"] for each in private)
    assert every(sandbox, token, "images", private="true", type="distribution") == []


def test_private_images_belong_to_one_team(sandbox: Sandbox, token: str) -> None:
    own = every(sandbox, token, "images", private="true")[0]["id"]
    other = sandbox.connect(team="Northwind")["access_token"]

    assert sandbox.get(f"/v2/images/{own}", token).ok
    assert sandbox.get(f"/v2/images/{own}", other).status_code == 404


@pytest.mark.parametrize("query", [{"type": "snapshot"}, {"private": "yes"}, {"page": 0}])
def test_invalid_filters_of_images_are_refused(sandbox: Sandbox, token: str, query: dict[str, Any]) -> None:
    assert sandbox.get("/v2/images", token, **query).status_code == 422


def test_images_need_their_scope(sandbox: Sandbox) -> None:
    token = sandbox.connect(scope="droplet:read image:read")["access_token"]
    poor = sandbox.connect(scope="droplet:read")["access_token"]

    assert sandbox.get("/v2/images", token).ok
    for path in ("/v2/images", "/v2/images/debian-12-x64", "/v2/images/1"):
        assert sandbox.get(path, poor).status_code == 403
    for path in ("/v2/images/1", "/v2/images/debian-99", f"/v2/images/{'9' * 500}"):
        assert sandbox.get(path, token).status_code == 404
