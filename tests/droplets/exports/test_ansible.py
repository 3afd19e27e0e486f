from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from droplets.exports import ansible
from droplets.fleet.items import FleetItem
from tests.droplets.exports.files import Inventory, Unsafe, fleet_of
from tests.droplets.factories import TEAMS, item

TEXT = st.text(st.characters(codec="utf-8"))


def written(*items: FleetItem) -> str:
    return "".join(ansible.lines(fleet_of(items), items))


# Works


def test_hosts_have_variables_and_are_in_groups() -> None:
    web = item(
        11, "web-1", region_slug="fra1", size_slug="s-1", image="Ubuntu 24.04", public=("203.0.113.1", "2001:db8::1"),
        private=("10.0.0.1",), tags=("web", "env:prod"),
    )  # fmt: skip
    found = Inventory(written(web, item(21, "db-1", team=1, status="off", public=("203.0.113.2",), tags=("env:prod",))))

    assert found.hosts["web-1"] == {
        "ansible_host": "203.0.113.1",
        "digitalocean_id": 11,
        "digitalocean_name": "web-1",
        "digitalocean_team": "Acme Web",
        "digitalocean_status": "active",
        "digitalocean_region": "fra1",
        "digitalocean_size": "s-1",
        "digitalocean_image": "Ubuntu 24.04",
        "digitalocean_public_addresses": ["203.0.113.1", "2001:db8::1"],
        "digitalocean_private_addresses": ["10.0.0.1"],
        "digitalocean_tags": ["web", "env:prod"],
    }
    assert found.groups == {
        "region_fra1": ["web-1"],
        "status_active": ["web-1"],
        "status_off": ["db-1"],
        "tag_env_prod": ["web-1", "db-1"],
        "tag_web": ["web-1"],
        "team_acme_web": ["web-1"],
        "team_northwind": ["db-1"],
    }


def test_it_tells_of_when_it_is() -> None:
    assert "\n# As of 2026-11-24 13:05 UTC.\n" in written(item(1, public=("203.0.113.1",)))


# Handles


def test_a_droplet_without_an_address_is_in_a_comment() -> None:
    text = written(item(1, "web-1", public=("203.0.113.1",)), item(2, "new\nhosts:"))

    assert list(Inventory(text).hosts) == ["web-1"]
    assert text.endswith("\n# Left out, because they have no address:\n#   new hosts:, Acme Web\n")


@pytest.mark.parametrize("items", [(), (item(1),)])
def test_nothing_to_reach_is_an_empty_inventory(items: tuple[FleetItem, ...]) -> None:
    found = Inventory(written(*items))

    assert (found.hosts, found.groups) == ({}, {})


@pytest.mark.parametrize("text", ["{{ lookup('pipe', 'id') }}", "{% if 1 %}", "a {# b"])
def test_what_ansible_would_evaluate_is_unsafe(text: str) -> None:
    team = msgspec.structs.replace(TEAMS[0], name=text)
    web = item(1, text, status=text, image=text, region_slug=text, size_slug=text, tags=(text,), public=("::1",))

    (host,) = Inventory(written(FleetItem(web.droplet, team))).hosts.values()

    for name in ("name", "team", "status", "image", "region", "size"):
        assert host[f"digitalocean_{name}"] == text
        assert isinstance(host[f"digitalocean_{name}"], Unsafe), name
    assert [type(tag) for tag in host["digitalocean_tags"]] == [Unsafe]


@settings(deadline=None)
@given(TEXT, TEXT, st.lists(TEXT, max_size=3))
def test_any_text_comes_back_as_it_was(name: str, image: str, tags: list[str]) -> None:
    team = msgspec.structs.replace(TEAMS[0], name=name)
    droplet = item(1, name, image=image, tags=tuple(tags), public=("203.0.113.1",)).droplet

    found = Inventory(written(FleetItem(droplet, team)))

    (host,) = found.hosts.values()
    assert host["digitalocean_name"] == (name or "droplet-1")
    assert (host["digitalocean_team"], host["digitalocean_image"], host["digitalocean_tags"]) == (name, image, tags)
    assert all(group.isidentifier() for group in found.groups)
