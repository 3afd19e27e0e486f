"""Actions: asked for, under way, done, refused, failed, lost; and the clock that they go by."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tests.support.sandbox import Sandbox

LONG = 3_600  # seconds: more than any action takes


@pytest.fixture
def token(sandbox: Sandbox) -> str:
    found: str = sandbox.connect(team="Acme Web", scope="read write")["access_token"]
    return found


def droplet(sandbox: Sandbox, token: str, droplet_id: int) -> dict[str, Any]:
    found: dict[str, Any] = sandbox.get(f"/v2/droplets/{droplet_id}", token).json()["droplet"]
    return found


def first(sandbox: Sandbox, token: str, **wanted: Any) -> dict[str, Any]:
    """The first free droplet with these values; features and other lists must hold the value given."""
    wanted = {"status": "active", "locked": False, **wanted}
    for each in sandbox.get("/v2/droplets", token, per_page=200).json()["droplets"]:
        if all(
            value in each[name] if isinstance(each[name], list) else each[name] == value
            for name, value in wanted.items()
        ):
            found: dict[str, Any] = each
            return found
    raise LookupError(wanted)


def done(sandbox: Sandbox, token: str, droplet_id: int, type_: str, **asked: Any) -> dict[str, Any]:
    """Let an action happen. Returns the droplet after it."""
    answer = sandbox.act(droplet_id, token, type_, **asked)
    assert answer.status_code == 201, answer.text
    sandbox.forward(LONG)
    action = sandbox.get(f"/v2/actions/{answer.json()['action']['id']}", token).json()["action"]
    assert action["status"] == "completed"
    return droplet(sandbox, token, droplet_id)


def refused(answer: requests.Response, status: int = 422, id_: str = "unprocessable_entity") -> str:
    """The message of a refusal."""
    assert (answer.status_code, answer.json()["id"]) == (status, id_)
    message: str = answer.json()["message"]
    return message


# What works


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
def test_power_is_turned(sandbox: Sandbox, token: str, type_: str, status: str, after: str) -> None:
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

    daily = done(sandbox, token, before["id"], "enable_backups")
    assert "backups" in daily["features"]
    assert (daily["next_backup_window"]["start"][11:], daily["backup_ids"]) == ("00:00:00Z", [])
    weekly = done(
        sandbox, token, before["id"], "change_backup_policy",
        backup_policy={"plan": "weekly", "weekday": "SUN", "hour": 20},
    )  # fmt: skip
    assert weekly["next_backup_window"]["start"][11:] == "20:00:00Z"

    sandbox.forward(15 * 86_400)
    made = droplet(sandbox, token, before["id"])
    assert len(made["backup_ids"]) == 2
    assert made["next_backup_window"]["start"] > weekly["next_backup_window"]["start"]

    restored = done(sandbox, token, before["id"], "restore", image=made["backup_ids"][0])
    assert (restored["image"]["id"], restored["image"]["type"]) == (made["backup_ids"][0], "backup")
    ended = done(sandbox, token, before["id"], "disable_backups")
    assert ("backups" in ended["features"], ended["backup_ids"], ended["next_backup_window"]) == (False, [], None)


def unbacked(sandbox: Sandbox, token: str) -> list[dict[str, Any]]:
    page = sandbox.get("/v2/droplets", token, per_page=200).json()
    return [each for each in page["droplets"] if "backups" not in each["features"] and not each["locked"]]


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


def test_an_old_droplets_kernel_can_be_changed(sandbox: Sandbox, token: str) -> None:
    page = sandbox.get("/v2/droplets", token, per_page=200).json()["droplets"]
    old = next(each for each in page if each["kernel"] and each["status"] in ("active", "off") and not each["locked"])

    assert done(sandbox, token, old["id"], "change_kernel", kernel=7060)["kernel"]["id"] == 7060


def test_actions_take_their_time_by_type_and_none_when_asked(sandbox: Sandbox, token: str) -> None:
    sandbox.settings(action_seconds=100)
    one, two = [each["id"] for each in unbacked(sandbox, token) if each["status"] == "active"][:2]
    quick = sandbox.act(one, token, "rename", name="quick").json()["action"]["id"]
    slow = sandbox.act(two, token, "snapshot").json()["action"]["id"]

    sandbox.forward(120)
    assert [sandbox.get(f"/v2/actions/{each}", token).json()["action"]["status"] for each in (quick, slow)] == [
        "completed",
        "in-progress",
    ]

    sandbox.settings(action_seconds=0)
    answer = sandbox.act(one, token, "rename", name="at-once").json()["action"]
    assert answer["status"] == "in-progress"
    assert droplet(sandbox, token, one)["name"] == "at-once"


def test_a_droplets_past_is_told_latest_first(sandbox: Sandbox, token: str) -> None:
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


# What is refused


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
        ("change_kernel", {"kernel": 7515}),
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
def test_an_odd_action_is_refused_and_changes_nothing(
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


# What goes wrong


def test_an_action_can_be_made_to_fail_without_effect(sandbox: Sandbox, token: str) -> None:
    sandbox.settings(actions_fail=True)
    one = first(sandbox, token)
    action = sandbox.act(one["id"], token, "power_off").json()["action"]["id"]
    assert droplet(sandbox, token, one["id"])["locked"]

    sandbox.forward(LONG)

    found = sandbox.get(f"/v2/actions/{action}", token).json()["action"]
    assert (found["status"], found["completed_at"] is None) == ("errored", False)
    assert droplet(sandbox, token, one["id"]) == one


def test_one_action_can_be_ended_either_way(sandbox: Sandbox, token: str) -> None:
    sandbox.settings(action_seconds=LONG)
    one, two = [each["id"] for each in unbacked(sandbox, token) if each["status"] == "active"][:2]
    failing = sandbox.act(one, token, "power_off").json()["action"]["id"]
    working = sandbox.act(two, token, "power_off").json()["action"]["id"]

    sandbox.end_action(failing, "errored")
    sandbox.end_action(working)

    assert [each.status for each in sandbox.actions()] == ["errored", "completed"]
    assert [droplet(sandbox, token, each)["status"] for each in (one, two)] == ["active", "off"]
    with pytest.raises(ValueError, match="not be found"):
        sandbox.end_action(working)
    with pytest.raises(ValueError, match="status must be"):
        sandbox.end_action(working, "in-progress")


@pytest.mark.parametrize("type_", ["shutdown", "reboot"])
def test_a_guest_may_ignore_what_it_is_asked(sandbox: Sandbox, token: str, type_: str) -> None:
    sandbox.settings(guest_ignores_shutdown=True)
    one = first(sandbox, token)

    assert done(sandbox, token, one["id"], type_) == one
    assert done(sandbox, token, one["id"], "power_off")["status"] == "off"


@pytest.mark.parametrize("kind", ["reset", "status"])
def test_a_lost_answer_takes_effect_exactly_once(sandbox: Sandbox, token: str, kind: str) -> None:
    one = first(sandbox, token)["id"]
    more = {"status": 502} if kind == "status" else {}
    sandbox.fault(kind, path="/actions$", method="POST", phase="after", times=1, **more)

    try:
        assert sandbox.act(one, token, "snapshot", name="lost").status_code == 502
    except requests.ConnectionError:
        assert kind == "reset"

    (acted,) = sandbox.actions(one)
    assert (acted.type, acted.status, acted.asked) == ("snapshot", "in-progress", {"type": "snapshot", "name": "lost"})
    assert sandbox.get(f"/v2/droplets/{one}/actions", token).json()["actions"][0]["id"] == acted.id


def test_an_answer_refused_beforehand_has_no_effect(sandbox: Sandbox, token: str) -> None:
    one = first(sandbox, token)["id"]
    sandbox.fault("status", path="/actions$", method="POST", status=503, times=1)

    assert sandbox.act(one, token, "reboot").status_code == 503

    assert sandbox.actions(one) == []


def test_of_actions_at_once_one_is_taken(sandbox: Sandbox, token: str) -> None:
    one = first(sandbox, token)["id"]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: sandbox.act(one, token, "reboot"), range(8)))

    assert sorted(answer.status_code for answer in answers) == [201, *[422] * 7]
    assert len(sandbox.actions(one, "reboot")) == 1


def test_a_droplet_removed_by_hand_ends_its_action_quietly(sandbox: Sandbox, token: str) -> None:
    page = sandbox.get("/v2/droplets", token, page=8).json()["droplets"]
    last = [each["id"] for each in page if each["status"] == "active" and not each["locked"]][-1]
    sandbox.act(last, token, "power_off")

    sandbox.droplets("Acme Web", remove=20)
    sandbox.forward(LONG)

    assert sandbox.get("/v2/droplets", token).json()["meta"]["total"] == 130
    assert [each.status for each in sandbox.actions(last)] == ["completed"]


def test_the_clock_goes_forward_only_and_a_reset_brings_it_back(sandbox: Sandbox) -> None:
    def clock(**body: Any) -> requests.Response:
        return requests.post(f"{sandbox.url}/_sandbox/clock", json=body, timeout=10)

    start = clock().json()["now"]
    assert clock(forward=5_000).json()["now"] >= start + 5_000
    assert [clock(forward=odd).status_code for odd in (-1, "soon", None, True, 1e12)] == [422] * 5
    assert clock(back=1).status_code == 422

    sandbox.reset()

    assert clock().json()["now"] < start + 5_000
    assert sandbox.actions() == []
