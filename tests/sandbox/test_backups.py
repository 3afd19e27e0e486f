"""Snapshots, backups and their policies: droplets' fields and the lists agree."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.droplets import every
from tests.support.sandbox import Sandbox


@pytest.fixture
def token(sandbox: Sandbox) -> str:
    sandbox.settings(burst_limit=0)
    found: str = sandbox.connect(team="Acme Web", scope="read write")["access_token"]
    return found


def of_droplet(sandbox: Sandbox, token: str, droplet: dict[str, Any], what: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sandbox.get(f"/v2/droplets/{droplet['id']}/{what}", token).json()[what]
    return found


def policy(sandbox: Sandbox, token: str, droplet: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = sandbox.get(f"/v2/droplets/{droplet['id']}/backups/policy", token).json()["policy"]
    return found


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_droplets_snapshots_and_backups_are_those_that_it_names(sandbox: Sandbox, token: str) -> None:
    droplets = every(sandbox, token, "droplets")
    images = {each["id"]: each for each in every(sandbox, token, "images", private="true")}

    for droplet in droplets:
        snapshots = of_droplet(sandbox, token, droplet, "snapshots")
        backups = of_droplet(sandbox, token, droplet, "backups")
        assert [each["id"] for each in snapshots] == droplet["snapshot_ids"]
        assert [each["id"] for each in backups] == droplet["backup_ids"]
        assert {each["type"] for each in snapshots} <= {"snapshot"}
        assert {each["type"] for each in backups} <= {"backup"}
        for each in (*snapshots, *backups):
            assert each["min_disk_size"] == droplet["disk"]
            assert 1 <= each["size_gigabytes"] < droplet["disk"]
            assert each["created_at"] > droplet["created_at"]
            assert each["regions"] == [droplet["region"]["slug"]]
            image = images[each["id"]]
            assert (image["name"], image["size_gigabytes"]) == (each["name"], each["size_gigabytes"])
    assert sum(bool(each["snapshot_ids"]) for each in droplets) > 10
    assert sum(bool(each["backup_ids"]) for each in droplets) > 20


def test_backups_follow_their_policy(sandbox: Sandbox, token: str) -> None:
    now = datetime.fromtimestamp(sandbox.forward(0), UTC)
    plans = set()
    for droplet in every(sandbox, token, "droplets"):
        told = policy(sandbox, token, droplet)
        assert (told["droplet_id"], told["backup_enabled"]) == (droplet["id"], "backups" in droplet["features"])
        if not told["backup_enabled"]:
            assert told.keys() == {"droplet_id", "backup_enabled"}
            assert (droplet["backup_ids"], droplet["next_backup_window"]) == ([], None)
            continue
        window, plan = told["next_backup_window"], told["backup_policy"]
        plans.add(plan["plan"])
        start = moment(window["start"])
        assert window == droplet["next_backup_window"]
        assert moment(window["end"]) - start == timedelta(hours=plan["window_length_hours"])
        assert now < moment(window["end"])
        assert start - now < timedelta(days=7)
        assert start.hour == plan["hour"]
        assert ("weekday" in plan) == (plan["plan"] == "weekly")
        if plan["plan"] == "weekly":
            assert start.strftime("%a").upper() == plan["weekday"]
        for backup in of_droplet(sandbox, token, droplet, "backups"):
            made = moment(backup["created_at"])
            period = timedelta(days=1 if plan["plan"] == "daily" else 7)
            assert (start - made) % period >= period - timedelta(hours=4)
            assert made > now - timedelta(days=plan["retention_period_days"], hours=4)
    assert plans == {"daily", "weekly"}


def test_time_makes_new_backups_and_drops_old_ones(sandbox: Sandbox, token: str) -> None:
    droplets = [each for each in every(sandbox, token, "droplets") if each["backup_ids"]]
    daily = next(each for each in droplets if policy(sandbox, token, each)["backup_policy"]["plan"] == "daily")
    weekly = next(each for each in droplets if policy(sandbox, token, each)["backup_policy"]["plan"] == "weekly")

    sandbox.forward(35 * 86_400)

    for before, kept in ((daily, 7), (weekly, 4)):
        after = sandbox.get(f"/v2/droplets/{before['id']}", token).json()["droplet"]
        listed = of_droplet(sandbox, token, after, "backups")
        assert len(after["backup_ids"]) == len(listed) == kept
        assert set(after["backup_ids"]).isdisjoint(before["backup_ids"])
        assert after["next_backup_window"]["start"] > before["next_backup_window"]["start"]
        assert sandbox.get(f"/v2/images/{before['backup_ids'][0]}", token).status_code == 404


def test_a_window_set_by_a_test_stays(sandbox: Sandbox, token: str) -> None:
    index = next(i for i, each in enumerate(every(sandbox, token, "droplets")) if each["backup_ids"])
    sandbox.droplets("Acme Web", patch=[{"index": index, "set": {"next_backup_window": {"start": "soon"}}}])

    sandbox.forward(35 * 86_400)

    assert every(sandbox, token, "droplets")[index]["next_backup_window"] == {"start": "soon"}


def test_a_changed_policy_is_shown(sandbox: Sandbox, token: str) -> None:
    wanted = (
        {"plan": "weekly", "weekday": "WED", "hour": 8},
        {"plan": "daily", "hour": 12},
        {"plan": "weekly", "weekday": "SUN", "hour": 20},
    )
    droplet = next(
        each
        for each in every(sandbox, token, "droplets")
        if each["backup_ids"] and each["status"] == "active" and not each["locked"]
    )
    for asked in wanted:
        sandbox.act(droplet["id"], token, "change_backup_policy", backup_policy=asked)
        sandbox.forward(3_600)
        told = policy(sandbox, token, droplet)["backup_policy"]
        assert {name: told[name] for name in asked} == asked
        assert ("weekday" in told) == ("weekday" in asked)


def test_there_are_two_plans_to_choose_from(sandbox: Sandbox, token: str) -> None:
    found = sandbox.get("/v2/droplets/backups/supported_policies", token).json()["supported_policies"]

    assert [(each["name"], each["retention_period_days"], len(each["possible_days"])) for each in found] == [
        ("weekly", 28, 7),
        ("daily", 7, 0),
    ]
    assert {tuple(each["possible_window_starts"]) for each in found} == {(0, 4, 8, 12, 16, 20)}


def test_a_new_snapshot_is_everywhere_and_outlives_its_droplet(sandbox: Sandbox, token: str) -> None:
    droplet = next(
        each
        for each in every(sandbox, token, "droplets")
        if each["backup_ids"] and each["status"] == "active" and not each["locked"]
    )
    sandbox.act(droplet["id"], token, "snapshot", name="Before the upgrade")
    before = {each["id"] for each in every(sandbox, token, "images", private="true")}
    sandbox.forward(3_600)

    after = sandbox.get(f"/v2/droplets/{droplet['id']}", token).json()["droplet"]
    taken = of_droplet(sandbox, token, after, "snapshots")[-1]
    assert taken["name"] == "Before the upgrade"
    assert taken["id"] not in before
    assert taken["id"] in [each["id"] for each in every(sandbox, token, "images", private="true")]
    assert taken["id"] == after["snapshot_ids"][-1]

    sandbox.delete(f"/v2/droplets/{droplet['id']}", token)

    assert sandbox.get(f"/v2/images/{taken['id']}", token).ok
    assert sandbox.get(f"/v2/images/{after['backup_ids'][0]}", token).status_code == 404


def test_a_snapshot_set_by_a_test_exists(sandbox: Sandbox, token: str) -> None:
    sandbox.droplets("Acme Web", patch=[{"index": 0, "set": {"snapshot_ids": [4711], "features": None}}])
    droplet = every(sandbox, token, "droplets")[0]

    assert [each["id"] for each in of_droplet(sandbox, token, droplet, "snapshots")] == [4711]
    assert policy(sandbox, token, droplet)["backup_enabled"] is False


def test_a_snapshot_can_be_rebuilt_from(sandbox: Sandbox, token: str) -> None:
    droplets = every(sandbox, token, "droplets")
    source = next(
        each for each in droplets if each["snapshot_ids"] and each["status"] == "active" and not each["locked"]
    )

    answer = sandbox.act(source["id"], token, "rebuild", image=source["snapshot_ids"][0])
    assert answer.status_code == 201, answer.text
    sandbox.forward(3_600)

    after = sandbox.get(f"/v2/droplets/{source['id']}", token).json()["droplet"]
    assert (after["image"]["id"], after["image"]["type"]) == (source["snapshot_ids"][0], "snapshot")


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("droplets/{id}/snapshots", "droplet:read"),
        ("droplets/{id}/backups", "droplet:read"),
        ("droplets/{id}/backups/policy", "droplet:read"),
        ("droplets/backups/supported_policies", "droplet:read"),
    ],
)
def test_each_needs_its_scope(sandbox: Sandbox, token: str, path: str, scope: str) -> None:
    address = f"/v2/{path.format(id=every(sandbox, token, 'droplets')[0]['id'])}"
    rich = sandbox.connect(team="Acme Web", scope=scope)["access_token"]
    poor = sandbox.connect(team="Acme Web", scope="actions:read image:read")["access_token"]
    other = sandbox.connect(team="Northwind")["access_token"]

    assert [sandbox.get(address, each).status_code for each in (rich, poor)] == [200, 403]
    assert sandbox.get(f"{address}/", rich).ok
    if "{id}" in path:
        assert sandbox.get(address, other).status_code == 404
