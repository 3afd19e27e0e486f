from __future__ import annotations

from datetime import UTC, datetime
from json import loads
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from droplets.exports import json
from droplets.fleet.items import FleetItem
from tests.droplets.exports.files import fleet_of
from tests.droplets.factories import item


def written(*items: FleetItem) -> dict[str, Any]:
    found: dict[str, Any] = loads("".join(json.lines(fleet_of(items), items)), parse_constant=pytest.fail)
    return found


# Works


def test_each_droplet_is_an_object() -> None:
    web = item(
        11, "web-1", locked=True, region="Frankfurt", region_slug="fra1", size_slug="s-1", vcpus=1, memory=1024,
        disk=25, image="Ubuntu 24.04", public=("203.0.113.1", "2001:db8::1"), private=("10.0.0.1",),
        tags=("web", "env:prod"), monthly=6.5, created_at=datetime(2020, 7, 21, 18, 37, 44, tzinfo=UTC),
    )  # fmt: skip

    found = written(web, item(2**63 - 1))

    assert {name: found[name] for name in ("read_at", "complete", "teams")} == {
        "read_at": "2026-11-24T13:05:00Z", "complete": True, "teams": [],
    }  # fmt: skip
    assert found["droplets"][0] == {
        "team": {"uuid": "acme", "name": "Acme Web"},
        "id": 11,
        "name": "web-1",
        "status": "active",
        "locked": True,
        "region": {"slug": "fra1", "name": "Frankfurt"},
        "size": "s-1",
        "vcpus": 1,
        "memory_mb": 1024,
        "disk_gb": 25,
        "image": "Ubuntu 24.04",
        "public_addresses": ["203.0.113.1", "2001:db8::1"],
        "private_addresses": ["10.0.0.1"],
        "tags": ["web", "env:prod"],
        "monthly_usd": 6.5,
        "created_at": "2020-07-21T18:37:44Z",
    }
    assert found["droplets"][1]["id"] == 2**63 - 1
    assert found["droplets"][1]["memory_mb"] is None


# Handles


def test_no_droplets_are_an_empty_list() -> None:
    assert written()["droplets"] == []


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan")])
def test_what_is_no_number_in_json_is_null(number: float) -> None:
    assert written(item(1, monthly=number))["droplets"][0]["monthly_usd"] is None


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_any_name_comes_back_as_it_was(name: str) -> None:
    assert [droplet["name"] for droplet in written(item(1, name), item(2, name))["droplets"]] == [name, name]
