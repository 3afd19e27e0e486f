"""Droplets with unexpected field values: the sandbox shows them as they are, and nothing breaks."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.support.droplets import every
from tests.support.sandbox import Sandbox

FIELDS = (
    "name", "memory", "vcpus", "disk", "locked", "status", "kernel", "created_at", "features", "backup_ids",
    "next_backup_window", "snapshot_ids", "image", "volume_ids", "networks", "region", "tags",
)  # fmt: skip
PARTS = ("", "/actions", "/snapshots", "/backups", "/backups/policy", "/firewalls")
LISTS = ("droplets", "actions", "volumes", "firewalls", "vpcs", "reserved_ips", "images")
ACTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("snapshot", {}),
    ("enable_ipv6", {}),
    ("enable_backups", {}),
    ("disable_backups", {}),
    ("rebuild", {"image": "debian-12-x64"}),
    ("power_off", {}),
    ("resize", {"size": "s-8vcpu-16gb", "disk": True}),
    ("rename", {"name": "plain"}),
)


@pytest.mark.parametrize("odd", [None, 7, "9999-12-31T23:59:59Z", [None], {"slug": 5}])
def test_unexpected_values_break_nothing(sandbox: Sandbox, odd: object) -> None:
    sandbox.settings(burst_limit=0, action_seconds=0)
    token = sandbox.connect(team="Acme Web", scope="read write")["access_token"]
    free = [
        (index, each["id"])
        for index, each in enumerate(every(sandbox, token, "droplets"))
        if each["status"] == "active" and not each["locked"] and "monitoring" in each["features"]
    ]
    chosen = dict(zip(FIELDS, free, strict=False))

    sandbox.droplets("Acme Web", patch=[{"index": index, "set": {field: odd}} for field, (index, _) in chosen.items()])

    def status(method: str, path: str, **more: Any) -> int:
        """Uses one connection: there are many requests."""
        headers = {"Authorization": f"Bearer {token}"}
        return sandbox.browser.request(
            method, f"{sandbox.url}/v2/{path}", headers=headers, timeout=30, **more
        ).status_code

    def fine(path: str, **query: Any) -> None:
        assert (path, status("GET", path, params=query)) == (path, 200)

    now = int(time.time())
    for what in LISTS:
        fine(what, per_page=200)
    droplets = every(sandbox, token, "droplets")
    for field, (index, droplet) in chosen.items():
        assert (droplets[index]["id"], droplets[index][field]) == (droplet, odd)
        for end in PARTS:
            fine(f"droplets/{droplet}{end}")
        for metric in ("cpu", "memory_free", "filesystem_free"):
            fine(f"monitoring/metrics/droplet/{metric}", host_id=droplet, start=now - 600, end=now)
        for type_, asked in ACTIONS:
            assert status("POST", f"droplets/{droplet}/actions", json={"type": type_, **asked}) in (201, 422)
        fine(f"droplets/{droplet}")
        assert status("DELETE", f"droplets/{droplet}") in (204, 422)
    for what in LISTS:
        fine(what, per_page=200)


def test_a_droplet_without_an_id_breaks_nothing(sandbox: Sandbox) -> None:
    token = sandbox.connect(team="Acme Web")["access_token"]

    sandbox.droplets("Acme Web", patch=[{"index": 0, "remove": ["id", "name"]}, {"index": 1, "set": {"id": "seven"}}])

    for what in LISTS:
        assert sandbox.get(f"/v2/{what}", token, per_page=200).status_code == 200
    sandbox.droplets("Acme Web", remove=150)
    assert every(sandbox, token, "droplets") == []
