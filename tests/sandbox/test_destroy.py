"""Destroying a droplet together with what is associated with it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.droplets import every
from tests.support.sandbox import Sandbox

DANGEROUS = {"X-Dangerous": "true"}
ALL = "droplet:delete block_storage:delete block_storage_snapshot:delete image:delete reserved_ip:delete"


@pytest.fixture
def token(sandbox: Sandbox) -> str:
    sandbox.settings(burst_limit=0)
    found: str = sandbox.connect(team="Acme Web", scope="read write")["access_token"]
    return found


@pytest.fixture
def rich(sandbox: Sandbox, token: str) -> dict[str, Any]:
    """A droplet with a volume, a snapshot of that, and a snapshot of its own."""
    kept = {each["resource_id"] for each in every(sandbox, token, "snapshots", resource_type="volume")}
    droplet = next(
        each
        for each in every(sandbox, token, "droplets")
        if kept & set(each["volume_ids"]) and each["status"] == "active" and not each["locked"]
    )
    sandbox.act(droplet["id"], token, "snapshot", name="last words")
    sandbox.forward(3_600)
    found: dict[str, Any] = sandbox.get(f"/v2/droplets/{droplet['id']}", token).json()["droplet"]
    return found


def path(droplet: dict[str, Any], end: str = "") -> str:
    return f"/v2/droplets/{droplet['id']}/destroy_with_associated_resources{end}"


def associated(sandbox: Sandbox, token: str, droplet: dict[str, Any]) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = sandbox.get(path(droplet), token).json()
    return found


def ids(found: list[dict[str, str]]) -> list[str]:
    return [each["id"] for each in found]


def test_what_is_associated_is_listed_with_its_cost(sandbox: Sandbox, token: str, rich: dict[str, Any]) -> None:
    volumes = {each["id"]: each for each in every(sandbox, token, "volumes")}
    snapshots = {each["id"]: each for each in every(sandbox, token, "snapshots")}

    found = associated(sandbox, token, rich)

    assert found.keys() == {"reserved_ips", "floating_ips", "snapshots", "volumes", "volume_snapshots"}
    assert ids(found["volumes"]) == rich["volume_ids"]
    assert ids(found["snapshots"]) == [str(each) for each in rich["snapshot_ids"]]
    for each in found["volumes"]:
        assert each["cost"] == f"{volumes[each['id']]['size_gigabytes'] * 0.10:.2f}"
    assert found["volume_snapshots"]
    for each in (*found["snapshots"], *found["volume_snapshots"]):
        assert each["name"] == snapshots[each["id"]]["name"]
        assert each["cost"] == f"{snapshots[each['id']]['size_gigabytes'] * 0.06:.2f}"


def test_a_reserved_address_is_associated_under_both_names(sandbox: Sandbox, token: str) -> None:
    reserved = next(each for each in every(sandbox, token, "reserved_ips") if each["droplet"])

    found = associated(sandbox, token, reserved["droplet"])

    assert [each["name"] for each in found["reserved_ips"]] == [reserved["ip"]]
    assert found["floating_ips"] == found["reserved_ips"]


def test_all_of_it_goes_with_the_droplet_in_time(sandbox: Sandbox, token: str, rich: dict[str, Any]) -> None:
    before = associated(sandbox, token, rich)

    answer = sandbox.delete(path(rich, "/dangerous"), token, headers=DANGEROUS)

    assert (answer.status_code, answer.content) == (202, b"")
    under_way = sandbox.get(path(rich, "/status"), token).json()
    assert "completed_at" not in under_way
    assert under_way["droplet"] == {"id": str(rich["id"]), "name": rich["name"]}
    assert sandbox.get(f"/v2/droplets/{rich['id']}", token).json()["droplet"]["locked"]

    sandbox.forward(3_600)

    assert sandbox.get(f"/v2/droplets/{rich['id']}", token).status_code == 404
    done = sandbox.get(path(rich, "/status"), token).json()
    assert (done["failures"], done["droplet"]["destroyed_at"]) == (0, done["completed_at"])
    for kind, there in before.items():
        assert ids(done["resources"][kind]) == ids(there)
        assert all(each["destroyed_at"] for each in done["resources"][kind])
    for volume in rich["volume_ids"]:
        assert sandbox.get(f"/v2/volumes/{volume}", token).status_code == 404
    for image in rich["snapshot_ids"]:
        assert sandbox.get(f"/v2/images/{image}", token).status_code == 404
    left = [each["id"] for each in every(sandbox, token, "snapshots")]
    assert set(left).isdisjoint(ids(before["volume_snapshots"]))
    assert [each.type for each in sandbox.actions(rich["id"])] == ["snapshot", "destroy"]


def test_what_is_not_named_stays(sandbox: Sandbox, token: str, rich: dict[str, Any]) -> None:
    named = {"volumes": rich["volume_ids"]}

    assert sandbox.delete(path(rich, "/selective"), token, named).status_code == 202
    sandbox.forward(3_600)

    done = sandbox.get(path(rich, "/status"), token).json()
    assert (ids(done["resources"]["volumes"]), done["resources"]["snapshots"]) == (rich["volume_ids"], [])
    assert sandbox.get(f"/v2/volumes/{rich['volume_ids'][0]}", token).status_code == 404
    assert sandbox.get(f"/v2/images/{rich['snapshot_ids'][0]}", token).ok


def test_a_reserved_address_can_go_by_its_old_name(sandbox: Sandbox, token: str) -> None:
    reserved = next(each for each in every(sandbox, token, "reserved_ips") if each["droplet"])
    number = associated(sandbox, token, reserved["droplet"])["floating_ips"][0]["id"]

    answer = sandbox.delete(path(reserved["droplet"], "/selective"), token, {"floating_ips": [number]})
    sandbox.forward(3_600)

    assert answer.status_code == 202
    assert reserved["ip"] not in [each["ip"] for each in every(sandbox, token, "reserved_ips")]


def test_it_can_fail_and_be_tried_again(sandbox: Sandbox, token: str, rich: dict[str, Any]) -> None:
    sandbox.settings(actions_fail=True)
    sandbox.delete(path(rich, "/dangerous"), token, headers=DANGEROUS)
    assert sandbox.post(path(rich, "/retry"), token).json()["id"] == "conflict"
    sandbox.forward(3_600)

    failed = sandbox.get(path(rich, "/status"), token).json()
    assert failed["failures"] == sum(
        len(failed["resources"][kind]) for kind in failed["resources"] if kind != "floating_ips"
    )
    assert failed["droplet"]["error_message"]
    kept = sandbox.get(f"/v2/droplets/{rich['id']}", token).json()["droplet"]
    assert (kept["locked"], kept["volume_ids"], kept["snapshot_ids"]) == (
        False,
        rich["volume_ids"],
        rich["snapshot_ids"],
    )

    sandbox.settings(actions_fail=False)
    assert sandbox.post(path(rich, "/retry"), token).status_code == 202
    sandbox.forward(3_600)
    assert sandbox.get(path(rich, "/status"), token).json()["failures"] == 0
    assert sandbox.get(f"/v2/droplets/{rich['id']}", token).status_code == 404
    assert sandbox.post(path(rich, "/retry"), token).status_code == 404


@pytest.mark.parametrize(
    "body", [{"volumes": ["nonsense"]}, {"volumes": "all"}, {"volumes": [1]}, {"snapshots": [None]}, {"domains": []}]
)
def test_odd_wishes_are_refused(sandbox: Sandbox, token: str, rich: dict[str, Any], body: dict[str, Any]) -> None:
    assert sandbox.delete(path(rich, "/selective"), token, body).status_code == 422
    assert sandbox.get(f"/v2/droplets/{rich['id']}", token).json()["droplet"] == rich


def test_the_dangerous_way_needs_its_header(sandbox: Sandbox, token: str, rich: dict[str, Any]) -> None:
    for headers in ({}, {"X-Dangerous": "false"}, {"X-Dangerous": ""}):
        assert sandbox.delete(path(rich, "/dangerous"), token, headers=headers).status_code == 422
    assert sandbox.get(f"/v2/droplets/{rich['id']}", token).ok


def test_a_locked_droplet_stays(sandbox: Sandbox, token: str, rich: dict[str, Any]) -> None:
    sandbox.act(rich["id"], token, "reboot")

    assert sandbox.delete(path(rich, "/dangerous"), token, headers=DANGEROUS).status_code == 422
    assert sandbox.delete(path(rich, "/selective"), token, {}).status_code == 422


def test_a_droplet_that_nobody_destroyed_has_no_status(sandbox: Sandbox, token: str, rich: dict[str, Any]) -> None:
    for one in (rich, {"id": 1}, {"id": "x"}):
        assert sandbox.get(path(one, "/status"), token).status_code == 404
        assert sandbox.post(path(one, "/retry"), token).status_code == 404
    sandbox.delete(f"/v2/droplets/{rich['id']}", token)
    assert sandbox.get(path(rich, "/status"), token).status_code == 404


def test_it_needs_all_of_its_scopes(sandbox: Sandbox, token: str, rich: dict[str, Any]) -> None:
    for lacking in ALL.split():
        poor = sandbox.connect(team="Acme Web", scope=f"read {ALL.replace(lacking, '')}")["access_token"]
        assert sandbox.delete(path(rich, "/dangerous"), poor, headers=DANGEROUS).status_code == 403
        assert sandbox.delete(path(rich, "/selective"), poor, {}).status_code == 403
        assert sandbox.post(path(rich, "/retry"), poor).status_code == 403
    reader = sandbox.connect(team="Acme Web", scope="droplet:read")["access_token"]
    assert {tuple(each) for each in associated(sandbox, reader, rich).values()} == {()}
    assert sandbox.get(path(rich, "/status"), reader).status_code == 403
    enough = sandbox.connect(team="Acme Web", scope=ALL)["access_token"]
    assert sandbox.delete(path(rich, "/selective/"), enough).status_code == 202
