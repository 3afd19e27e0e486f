"""Actions that are refused: for the droplet's status, for invalid parameters, for a missing scope."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.support.droplets import LONG, droplet, every, first, refused, unbacked
from tests.support.sandbox import Sandbox


@pytest.fixture
def token(sandbox: Sandbox) -> str:
    found: str = sandbox.connect(team="Acme Web", scope="read write")["access_token"]
    return found


def test_a_locked_droplet_takes_no_action(sandbox: Sandbox, token: str) -> None:
    one = first(sandbox, token)["id"]
    sandbox.act(one, token, "reboot")

    for answer in (
        sandbox.act(one, token, "reboot"),
        sandbox.act(one, token, "rename", name="other"),
        sandbox.delete(f"/v2/droplets/{one}", token),
    ):
        assert refused(answer) == "Droplet already has a pending event."

    assert len(sandbox.actions(one)) == 1


@pytest.mark.parametrize(
    ("type_", "status", "asked"),
    [
        ("power_on", "active", {}),
        ("power_off", "off", {}),
        ("shutdown", "off", {}),
        ("reboot", "off", {}),
        ("power_cycle", "off", {}),
        ("resize", "active", {"size": "s-8vcpu-16gb"}),
        ("power_on", "archive", {}),
        ("snapshot", "archive", {}),
    ],
)
def test_a_wrong_status_is_refused(
    sandbox: Sandbox, token: str, type_: str, status: str, asked: dict[str, Any]
) -> None:
    one = first(sandbox, token, status=status)

    assert status in refused(sandbox.act(one["id"], token, type_, **asked))
    assert droplet(sandbox, token, one["id"]) == one


@pytest.mark.parametrize(
    ("type_", "asked"),
    [
        ("explode", {}),
        (None, {}),
        ("rename", {}),
        ("rename", {"name": ""}),
        ("rename", {"name": "two words"}),
        ("rename", {"name": "line\nbreak"}),
        ("rename", {"name": "ends-in-dash-"}),
        ("rename", {"name": "x" * 256}),
        ("rename", {"name": 7}),
        ("resize", {}),
        ("resize", {"size": "s-1000vcpu"}),
        ("resize", {"size": ["s-8vcpu-16gb"]}),
        ("resize", {"size": "s-8vcpu-16gb", "disk": "yes"}),
        ("resize", {"size": "gpu-h100x1-80gb"}),
        ("resize", {"size": "so-4vcpu-32gb"}),
        ("resize", {"size": "s-1vcpu-512mb-10gb"}),
        ("rebuild", {}),
        ("rebuild", {"image": "ubuntu-99-04-x64"}),
        ("rebuild", {"image": 1}),
        ("rebuild", {"image": True}),
        ("rebuild", {"image": "centos-7-x64"}),
        ("restore", {}),
        ("restore", {"image": 137778143}),
        ("restore", {"image": "137778143"}),
        ("disable_backups", {}),
        ("change_backup_policy", {"backup_policy": {"plan": "daily", "hour": 4}}),
        ("enable_backups", {"backup_policy": []}),
        ("enable_backups", {"backup_policy": {"plan": "hourly"}}),
        ("enable_backups", {"backup_policy": {"plan": "daily", "hour": 5}}),
        ("enable_backups", {"backup_policy": {"plan": "weekly", "hour": 4}}),
        ("enable_backups", {"backup_policy": {"plan": "weekly", "hour": 4, "weekday": "SUNDAY"}}),
        ("snapshot", {"name": "a\x00b"}),
        ("snapshot", {"name": " "}),
        ("snapshot", {"name": 5}),
    ],
)
def test_an_invalid_action_is_refused_and_changes_nothing(
    sandbox: Sandbox, token: str, type_: str | None, asked: dict[str, Any]
) -> None:
    one = next(each for each in unbacked(sandbox, token) if each["status"] == "off" and each["disk"] > 10)

    refused(sandbox.post(f"/v2/droplets/{one['id']}/actions", token, {"type": type_, **asked}))

    assert droplet(sandbox, token, one["id"]) == one
    assert sandbox.actions() == []


def test_what_is_enabled_is_not_enabled_again(sandbox: Sandbox, token: str) -> None:
    backed_up = first(sandbox, token, features="backups")
    with_ipv6 = first(sandbox, token, features="ipv6")

    refused(sandbox.act(backed_up["id"], token, "enable_backups"))
    refused(sandbox.act(with_ipv6["id"], token, "enable_ipv6"))
    assert "already" in refused(
        sandbox.act(
            first(sandbox, token, status="off")["id"],
            token,
            "resize",
            size=first(sandbox, token, status="off")["size_slug"],
        )
    )


def test_a_gpu_size_is_for_gpu_droplets_wherever_it_can_be_had(sandbox: Sandbox, token: str) -> None:
    droplets = every(sandbox, token, "droplets")
    index = next(place for place, each in enumerate(droplets) if each["status"] == "off" and not each["locked"])
    sandbox.droplets("Acme Web", patch=[{"index": index, "set": {"/region/slug": "tor1"}}])

    refused(sandbox.act(droplets[index]["id"], token, "resize", size="gpu-h100x1-80gb", disk=True))


def test_an_own_image_must_be_in_the_region_and_fit_the_disk(sandbox: Sandbox, token: str) -> None:
    images = every(sandbox, token, "images", private="true")
    small = next(each for each in unbacked(sandbox, token) if each["status"] == "off" and each["disk"] < 100)
    region = small["region"]["slug"]
    here = [each for each in images if region in each["regions"]]
    elsewhere = next(each for each in images if each not in here and each["min_disk_size"] <= small["disk"])
    large = next(each for each in here if each["min_disk_size"] > small["disk"])
    fitting = next(each for each in here if each["min_disk_size"] <= small["disk"])

    refused(sandbox.act(small["id"], token, "rebuild", image=elsewhere["id"]))
    refused(sandbox.act(small["id"], token, "rebuild", image=large["id"]))
    assert sandbox.act(small["id"], token, "rebuild", image=fitting["id"]).status_code == 201


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"reboot"', b"\xff"])
def test_a_body_that_is_no_object_is_a_bad_request(sandbox: Sandbox, token: str, body: bytes) -> None:
    url = f"{sandbox.url}/v2/droplets/{first(sandbox, token)['id']}/actions"

    answer = requests.post(url, data=body, headers={"Authorization": f"Bearer {token}"}, timeout=10)

    refused(answer, 400, "bad_request")


def test_an_unknown_action_is_not_found(sandbox: Sandbox, token: str) -> None:
    one, two = first(sandbox, token), first(sandbox, token, status="off")
    action = sandbox.act(one["id"], token, "reboot").json()["action"]["id"]
    other = sandbox.connect(user="grace", team="Hopper Labs")["access_token"]

    for path in ("actions/1", "actions/x", f"droplets/{two['id']}/actions/{action}", f"droplets/1/actions/{action}"):
        refused(sandbox.get(f"/v2/{path}", token), 404, "not_found")
    refused(sandbox.get(f"/v2/actions/{action}", other), 404, "not_found")


@pytest.mark.parametrize(
    ("type_", "asked", "scope"),
    [
        ("reboot", {}, "droplet:update"),
        ("rename", {"name": "n"}, "droplet:update"),
        ("snapshot", {}, "droplet:update image:create"),
        ("password_reset", {}, "droplet:update droplet:admin"),
        ("rebuild", {"image": "debian-12-x64"}, "droplet:update droplet:admin"),
        ("reboot", {}, "write"),
        ("password_reset", {}, "read write"),
    ],
)
def test_an_action_needs_its_scopes(
    sandbox: Sandbox, token: str, type_: str, asked: dict[str, Any], scope: str
) -> None:
    one = first(sandbox, token)["id"]

    for lacking in ("read", "droplet:read", *(part for part in scope.split() if " " in scope and "write" not in scope)):
        poor = sandbox.connect(team="Acme Web", scope=lacking)["access_token"]
        answer = sandbox.act(one, poor, type_, **asked)
        assert refused(answer, 403, "forbidden") == "You are not authorized to perform this operation."
        assert "ratelimit-remaining" in answer.headers
    assert sandbox.actions() == []

    rich = sandbox.connect(team="Acme Web", scope=scope)["access_token"]
    assert sandbox.act(one, rich, type_, **asked).status_code == 201


def test_resize_and_destroy_need_scopes_of_their_own(sandbox: Sandbox, token: str) -> None:
    one = first(sandbox, token, status="off")["id"]

    def with_scope(scope: str) -> str:
        return str(sandbox.connect(team="Acme Web", scope=scope)["access_token"])

    size = {"size": "s-8vcpu-16gb"}
    refused(sandbox.act(one, with_scope("droplet:update"), "resize", **size), 403, "forbidden")
    assert sandbox.act(one, with_scope("droplet:update droplet:create"), "resize", **size).status_code == 201
    sandbox.forward(LONG)
    refused(sandbox.delete(f"/v2/droplets/{one}", with_scope("read droplet:update")), 403, "forbidden")
    assert sandbox.delete(f"/v2/droplets/{one}", with_scope("droplet:delete")).status_code == 204


def test_looking_at_actions_needs_a_scope(sandbox: Sandbox, token: str) -> None:
    one = first(sandbox, token)["id"]
    action = sandbox.act(one, token, "reboot").json()["action"]["id"]
    narrow = sandbox.connect(team="Acme Web", scope="droplet:read")["access_token"]
    other = sandbox.connect(team="Acme Web", scope="actions:read")["access_token"]

    seen = sandbox.get(f"/v2/droplets/{one}/actions/{action}", narrow).json()["action"]
    assert (seen["id"], seen["region"]["sizes"]) == (action, [])
    refused(sandbox.get(f"/v2/actions/{action}", narrow), 403, "forbidden")
    assert sandbox.get(f"/v2/actions/{action}", other).ok
    refused(sandbox.get(f"/v2/droplets/{one}/actions", other), 403, "forbidden")
