"""Actions: requested, in progress, completed."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.support.droplets import done, droplet, first, refused, unbacked
from tests.support.sandbox import Sandbox


@pytest.fixture
def token(sandbox: Sandbox) -> str:
    found: str = sandbox.connect(team="Acme Web", scope="read write")["access_token"]
    return found


def test_an_action_is_under_way_locks_its_droplet_and_ends_by_the_clock(sandbox: Sandbox, token: str) -> None:
    sandbox.settings(action_seconds=100)
    before = first(sandbox, token)

    answer = sandbox.act(before["id"], token, "power_off")

    action = answer.json()["action"]
    assert answer.status_code == 201
    assert (action["status"], action["type"], action["completed_at"]) == ("in-progress", "power_off", None)
    assert (action["resource_id"], action["resource_type"]) == (before["id"], "droplet")
    assert (action["region"], action["region_slug"]) == (before["region"], before["region"]["slug"])
    assert droplet(sandbox, token, before["id"]) == {**before, "locked": True}
    paths = (f"/v2/actions/{action['id']}", f"/v2/droplets/{before['id']}/actions/{action['id']}")
    assert [sandbox.get(path, token).json() for path in paths] == [{"action": action}] * 2

    sandbox.forward(101)

    for path in paths:
        after = sandbox.get(path, token).json()["action"]
        assert after == {**action, "status": "completed", "completed_at": after["completed_at"]}
        assert after["completed_at"] > action["started_at"]
    assert droplet(sandbox, token, before["id"]) == {**before, "status": "off"}


def test_the_list_shows_what_an_action_did(sandbox: Sandbox, token: str) -> None:
    before = first(sandbox, token)

    done(sandbox, token, before["id"], "rename", name="renamed.example.com")

    names = {each["id"]: each["name"] for each in sandbox.get("/v2/droplets", token, per_page=200).json()["droplets"]}
    assert names[before["id"]] == "renamed.example.com"


@pytest.mark.parametrize(
    ("type_", "status", "after"),
    [
        ("power_on", "off", "active"),
        ("power_off", "active", "off"),
        ("shutdown", "active", "off"),
        ("reboot", "active", "active"),
        ("power_cycle", "active", "active"),
        ("password_reset", "active", "active"),
        ("password_reset", "off", "off"),
    ],
)
def test_power_actions_change_the_status(sandbox: Sandbox, token: str, type_: str, status: str, after: str) -> None:
    before = first(sandbox, token, status=status)

    assert done(sandbox, token, before["id"], type_) == {**before, "status": after}


def test_a_snapshot_is_taken_of_a_running_droplet(sandbox: Sandbox, token: str) -> None:
    before = first(sandbox, token)

    named = done(sandbox, token, before["id"], "snapshot", name="Before the upgrade")
    unnamed = done(sandbox, token, before["id"], "snapshot")

    assert len(named["snapshot_ids"]) == len(before["snapshot_ids"]) + 1
    assert unnamed["snapshot_ids"][:-1] == named["snapshot_ids"]


def test_a_resize_keeps_the_disk_unless_asked(sandbox: Sandbox, token: str) -> None:
    before = first(sandbox, token, status="off")
    size = {"memory": 16_384, "vcpus": 8, "size_slug": "s-8vcpu-16gb"}

    small = done(sandbox, token, before["id"], "resize", size="s-8vcpu-16gb")
    assert {name: small[name] for name in size} == size
    assert (small["disk"], small["disk_info"]) == (before["disk"], before["disk_info"])
    assert (small["size"]["slug"], small["size"]["price_monthly"]) == ("s-8vcpu-16gb", 96)

    large = done(sandbox, token, before["id"], "resize", size="s-8vcpu-16gb-intel", disk=True)
    assert (large["disk"], large["disk_info"][0]["size"]["amount"]) == (320, 320)
    back = sandbox.act(before["id"], token, "resize", size="s-4vcpu-8gb", disk=False)
    assert "smaller disk" in refused(back)


def test_backups_begin_change_and_end(sandbox: Sandbox, token: str) -> None:
    before = next(each for each in unbacked(sandbox, token) if each["status"] == "active")
    day = 86_400

    daily = done(sandbox, token, before["id"], "enable_backups")
    assert "backups" in daily["features"]
    assert daily["next_backup_window"]["start"][11:] == "00:00:00Z"
    weekly = done(
        sandbox, token, before["id"], "change_backup_policy",
        backup_policy={"plan": "weekly", "weekday": "SUN", "hour": 20},
    )  # fmt: skip
    assert weekly["next_backup_window"]["start"][11:] == "20:00:00Z"

    end = datetime.fromisoformat(weekly["next_backup_window"]["end"]).timestamp()
    sandbox.forward(end - sandbox.forward(0) + 8 * day)
    made = droplet(sandbox, token, before["id"])
    assert made["backup_ids"][:-2] == weekly["backup_ids"]
    assert len(made["backup_ids"]) == len(weekly["backup_ids"]) + 2
    assert made["next_backup_window"]["start"] > weekly["next_backup_window"]["end"]

    restored = done(sandbox, token, before["id"], "restore", image=made["backup_ids"][-1])
    assert (restored["image"]["id"], restored["image"]["type"]) == (made["backup_ids"][-1], "backup")
    ended = done(sandbox, token, before["id"], "disable_backups")
    assert ("backups" in ended["features"], ended["backup_ids"], ended["next_backup_window"]) == (False, [], None)


def test_ipv6_gives_an_address_of_its_own(sandbox: Sandbox, token: str) -> None:
    page = sandbox.get("/v2/droplets", token, per_page=200).json()["droplets"]
    taken = {network["ip_address"] for each in page for network in each["networks"]["v6"]}
    without = [
        each for each in page if "ipv6" not in each["features"] and each["status"] == "active" and not each["locked"]
    ]

    addresses = set()
    for each in without[:3]:
        after = done(sandbox, token, each["id"], "enable_ipv6")
        assert "ipv6" in after["features"]
        assert after["networks"]["v4"] == each["networks"]["v4"]
        addresses.add(after["networks"]["v6"][0]["ip_address"])

    assert len(addresses - taken) == 3


@pytest.mark.parametrize("image", ["debian-12-x64", 137778143])
def test_a_rebuild_changes_the_image_and_boots(sandbox: Sandbox, token: str, image: str | int) -> None:
    before = first(sandbox, token, status="off")

    after = done(sandbox, token, before["id"], "rebuild", image=image)

    assert (after["image"]["slug"], after["status"], after["disk"]) == ("debian-12-x64", "active", before["disk"])


def test_actions_take_their_time_by_type_and_none_when_asked(sandbox: Sandbox, token: str) -> None:
    sandbox.settings(action_seconds=100)
    one, two = [each["id"] for each in unbacked(sandbox, token) if each["status"] == "active"][:2]
    slow = sandbox.act(two, token, "snapshot").json()["action"]["id"]
    quick = sandbox.act(one, token, "rename", name="quick").json()["action"]["id"]

    sandbox.forward(120)
    assert [sandbox.get(f"/v2/actions/{each}", token).json()["action"]["status"] for each in (quick, slow)] == [
        "completed",
        "in-progress",
    ]

    sandbox.settings(action_seconds=0)
    answer = sandbox.act(one, token, "rename", name="at-once").json()["action"]
    assert answer["status"] == "in-progress"
    assert droplet(sandbox, token, one)["name"] == "at-once"


def test_actions_of_a_droplet_are_listed_latest_first(sandbox: Sandbox, token: str) -> None:
    off = first(sandbox, token, status="off")

    done(sandbox, token, off["id"], "power_on")
    actions = sandbox.get(f"/v2/droplets/{off['id']}/actions", token).json()["actions"]

    assert [each["type"] for each in actions][:2] == ["power_on", "power_off"]
    assert (actions[-1]["type"], actions[-1]["started_at"]) == ("create", off["created_at"])
    assert [each["started_at"] for each in actions] == sorted((each["started_at"] for each in actions), reverse=True)
    assert len({each["id"] for each in actions}) == len(actions)


def test_a_locked_droplet_has_an_action_under_way(sandbox: Sandbox, token: str) -> None:
    page = sandbox.get("/v2/droplets", token, per_page=200).json()["droplets"]
    locked = [each for each in page if each["locked"]]

    for each in locked:
        latest = sandbox.get(f"/v2/droplets/{each['id']}/actions", token).json()["actions"][0]
        assert (latest["status"], latest["completed_at"]) == ("in-progress", None)
    assert any(each["status"] == "new" for each in locked)


def test_a_teams_actions_are_listed_in_pages(sandbox: Sandbox, token: str) -> None:
    one = first(sandbox, token)
    asked = sandbox.act(one["id"], token, "reboot").json()["action"]

    page = sandbox.get("/v2/actions/", token, per_page=3).json()

    assert page["actions"][0] == asked
    assert page["meta"]["total"] > 150
    assert page["links"]["pages"]["next"] == f"{sandbox.url}/v2/actions?page=2&per_page=3"


def test_a_destroyed_droplet_is_gone_and_its_actions_stay(sandbox: Sandbox, token: str) -> None:
    one = first(sandbox, token)

    answer = sandbox.delete(f"/v2/droplets/{one['id']}/", token)

    assert (answer.status_code, answer.content) == (204, b"")
    for path in ("", "/actions", "/actions/1"):
        refused(sandbox.get(f"/v2/droplets/{one['id']}{path}", token), 404, "not_found")
    refused(sandbox.delete(f"/v2/droplets/{one['id']}", token), 404, "not_found")
    refused(sandbox.act(one["id"], token, "reboot"), 404, "not_found")
    assert sandbox.get("/v2/droplets", token).json()["meta"]["total"] == 149
    latest = sandbox.get("/v2/actions", token).json()["actions"][0]
    assert (latest["type"], latest["status"], latest["resource_id"]) == ("destroy", "completed", one["id"])
