"""Volumes, firewalls, VPCs and reserved addresses: droplets' fields and the lists agree."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from tests.support.droplets import every
from tests.support.sandbox import Sandbox


@pytest.fixture
def token(sandbox: Sandbox) -> str:
    sandbox.settings(burst_limit=0)
    found: str = sandbox.connect(team="Acme Web", scope="read write")["access_token"]
    return found


def everybody(sandbox: Sandbox, token: str) -> list[dict[str, Any]]:
    return every(sandbox, token, "droplets") + every(sandbox, token, "droplets", type="gpus")


def test_volumes_and_droplets_name_each_other(sandbox: Sandbox, token: str) -> None:
    volumes = {each["id"]: each for each in every(sandbox, token, "volumes")}
    droplets = {each["id"]: each for each in everybody(sandbox, token)}

    for droplet in droplets.values():
        for volume_id in droplet["volume_ids"]:
            volume = volumes[volume_id]
            assert volume["droplet_ids"] == [droplet["id"]]
            assert volume["region"] == droplet["region"]
            assert volume["created_at"] > droplet["created_at"]
    for volume in volumes.values():
        assert all(volume["id"] in droplets[each]["volume_ids"] for each in volume["droplet_ids"])
        assert sandbox.get(f"/v2/volumes/{volume['id']}", token).json() == {"volume": volume}
    assert sum(not each["droplet_ids"] for each in volumes.values()) == 2
    assert 5 < len(volumes) < 50


def test_a_droplet_is_behind_the_firewalls_of_its_tags_and_its_id(sandbox: Sandbox, token: str) -> None:
    firewalls = every(sandbox, token, "firewalls")

    by_id = 0
    for droplet in every(sandbox, token, "droplets"):
        behind = sandbox.get(f"/v2/droplets/{droplet['id']}/firewalls", token).json()["firewalls"]
        assert behind == [
            each
            for each in firewalls
            if droplet["id"] in each["droplet_ids"] or set(each["tags"]) & set(droplet["tags"])
        ]
        by_id += any(droplet["id"] in each["droplet_ids"] for each in behind)
    assert by_id > 1
    assert len(firewalls) > 2
    assert len({each["name"] for each in firewalls}) == len(firewalls)


def test_every_droplet_is_in_its_vpc_with_its_private_address(sandbox: Sandbox, token: str) -> None:
    vpcs = {each["id"]: each for each in every(sandbox, token, "vpcs")}

    for droplet in everybody(sandbox, token):
        vpc = vpcs[droplet["vpc_uuid"]]
        assert vpc["region"] == droplet["region"]["slug"]
        for network in droplet["networks"]["v4"]:
            assert (ip_address(network["ip_address"]) in ip_network(vpc["ip_range"])) == (network["type"] == "private")
    for vpc in vpcs.values():
        assert sandbox.get(f"/v2/vpcs/{vpc['id']}", token).json() == {"vpc": vpc}
    ranges = [ip_network(each["ip_range"]) for each in vpcs.values()]
    assert not any(one.overlaps(other) for one in ranges for other in ranges if one is not other)


def test_reserved_addresses_are_on_droplets_or_spare(sandbox: Sandbox, token: str) -> None:
    droplets = {each["id"]: each for each in everybody(sandbox, token)}
    account = sandbox.get("/v2/account", token).json()["account"]

    v4 = every(sandbox, token, "reserved_ips")
    v6 = sandbox.get("/v2/reserved_ipv6", token).json()["reserved_ipv6s"]

    assert len(v4) == account["floating_ip_limit"] == 5
    assert len({each["ip"] for each in v4}) == 5
    assert [each["droplet"] is None for each in v4].count(True) == 1
    for each in (*v4, *v6):
        if each["droplet"] is not None:
            assert each["droplet"] == droplets[each["droplet"]["id"]]
    assert all(each["region"] == each["droplet"]["region"] for each in v4 if each["droplet"])
    assert all(each["region_slug"] == each["droplet"]["region"]["slug"] for each in v6)
    taken = {network["ip_address"] for each in droplets.values() for network in each["networks"]["v4"]}
    assert taken.isdisjoint(each["ip"] for each in v4)


def test_the_same_seed_generates_the_same_resources(sandbox: Sandbox) -> None:
    def resources(seed: int) -> list[Any]:
        sandbox.reset(seed=seed)
        token = sandbox.connect(team="Acme Web")["access_token"]
        lists = ("volumes", "firewalls", "vpcs", "reserved_ips")
        return [every(sandbox, token, each) for each in lists]

    first, other, again = resources(7), resources(8), resources(7)

    # Backups follow the clock, and so may the droplet inside of a reserved address.
    for each in (*first[3], *other[3], *again[3]):
        each["droplet"] = (each["droplet"] or {}).get("id")
    assert again == first
    assert all(one != two for one, two in zip(first, other, strict=True))


def test_an_empty_team_has_nothing(sandbox: Sandbox) -> None:
    sandbox.reset(droplets=0)
    token = sandbox.connect(team="Acme Web")["access_token"]
    solo = sandbox.connect(user="linus")["access_token"]

    for what in ("volumes", "firewalls", "vpcs", "reserved_ips", "actions"):
        assert every(sandbox, token, what) == []
        assert every(sandbox, solo, what) == []


def test_resources_of_a_destroyed_droplet_stay(sandbox: Sandbox, token: str) -> None:
    reserved = next(each for each in every(sandbox, token, "reserved_ips") if each["droplet"])
    named = next(each for each in every(sandbox, token, "firewalls") if each["droplet_ids"])
    droplets = everybody(sandbox, token)
    mounted = next(each["id"] for each in droplets if each["volume_ids"] and not each["locked"])
    free = {each["id"] for each in droplets if not each["locked"]}
    destroyed = {mounted, *({reserved["droplet"]["id"], named["droplet_ids"][0]} & free)}

    for each in destroyed:
        assert sandbox.delete(f"/v2/droplets/{each}", token).status_code == 204

    volumes = every(sandbox, token, "volumes")
    assert sum(not each["droplet_ids"] for each in volumes) > 2
    for what in ("volumes", "firewalls"):
        assert all(not destroyed & set(each["droplet_ids"]) for each in every(sandbox, token, what))
    holders = {each["droplet"]["id"] for each in every(sandbox, token, "reserved_ips") if each["droplet"]}
    assert not destroyed & holders
    assert len(every(sandbox, token, "reserved_ips")) == 5


def test_droplets_removed_by_a_test_are_nowhere(sandbox: Sandbox, token: str) -> None:
    sandbox.droplets("Acme Web", remove=120)
    left = {each["id"] for each in everybody(sandbox, token)}

    for what in ("volumes", "firewalls"):
        assert all(set(each["droplet_ids"]) <= left for each in every(sandbox, token, what))
    assert {each["droplet"]["id"] for each in every(sandbox, token, "reserved_ips") if each["droplet"]} <= left


def test_a_volume_set_by_a_test_exists(sandbox: Sandbox, token: str) -> None:
    sandbox.droplets("Acme Web", patch=[{"index": 0, "set": {"volume_ids": ["506f78a4-e098-11e5-ad9f-000f53306ae1"]}}])

    volume = sandbox.get("/v2/volumes/506f78a4-e098-11e5-ad9f-000f53306ae1", token).json()["volume"]

    assert volume["droplet_ids"] == [every(sandbox, token, "droplets")[0]["id"]]


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("volumes", "block_storage:read"),
        ("volumes/x", "block_storage:read"),
        ("firewalls", "firewall:read"),
        ("droplets/{id}/firewalls", "firewall:read"),
        ("vpcs", "vpc:read"),
        ("vpcs/x", "vpc:read"),
        ("reserved_ips", "reserved_ip:read"),
        ("reserved_ipv6", "reserved_ip:read"),
    ],
)
def test_each_needs_its_scope(sandbox: Sandbox, token: str, path: str, scope: str) -> None:
    address = f"/v2/{path.format(id=every(sandbox, token, 'droplets')[0]['id'])}"
    rich = sandbox.connect(team="Acme Web", scope=scope)["access_token"]
    poor = sandbox.connect(team="Acme Web", scope="droplet:read account:read")

    assert sandbox.get(address, rich).status_code == (404 if path.endswith("/x") else 200)
    assert sandbox.get(f"{address}/", rich).status_code == (404 if path.endswith("/x") else 200)
    assert sandbox.get(address, poor["access_token"]).status_code == 403


def test_fields_about_other_resources_need_their_scopes(sandbox: Sandbox) -> None:
    scopes = "block_storage:read firewall:read reserved_ip:read tag:read"
    narrow = sandbox.connect(scope=scopes)["access_token"]
    untagged = sandbox.connect(scope="block_storage:read firewall:read droplet:read")["access_token"]

    assert {each["droplet"] for each in every(sandbox, narrow, "reserved_ips")} == {None}
    assert not any("project_id" in each for each in every(sandbox, narrow, "reserved_ips"))
    assert {each["droplet_ids"] for each in every(sandbox, narrow, "firewalls")} == {None}
    assert {each["tags"] for each in every(sandbox, untagged, "firewalls")} == {None}
    assert {each["tags"] for each in every(sandbox, untagged, "volumes")} == {None}
    assert all(each["region"]["sizes"] == [] for each in every(sandbox, narrow, "volumes"))
