"""The sandbox's answers conform to DigitalOcean's own OpenAPI description."""

from __future__ import annotations

import time

import pytest

from tests.support.openapi import check, check_component, description
from tests.support.sandbox import Sandbox

ONE = "/v2/droplets/{droplet_id}"


def test_lists_and_droplets_are_as_described(sandbox: Sandbox) -> None:
    for user, team in (("ada", "Acme Web"), ("ada", "Northwind"), ("ada", "Side projects")):
        token = sandbox.connect(user=user, team=team)["access_token"]
        for query in ({"per_page": 200}, {"page": 2}, {"type": "gpus"}, {"tag_name": "web"}):
            page = sandbox.get("/v2/droplets", token, **query).json()
            check(page, "/v2/droplets", "200")
            for droplet in page["droplets"][:3]:
                one = sandbox.get(f"/v2/droplets/{droplet['id']}", token).json()
                check(one, "/v2/droplets/{droplet_id}", "200")


def test_every_field_that_the_description_requires_is_there(sandbox: Sandbox) -> None:
    token = sandbox.connect()["access_token"]
    required = set(description()["components"]["schemas"]["droplet"]["required"])

    for droplet in sandbox.get("/v2/droplets", token, per_page=200).json()["droplets"]:
        assert required <= droplet.keys()


def test_the_account_is_as_described(sandbox: Sandbox) -> None:
    for user, scope in (("ada", "read"), ("linus", "read"), ("ada", "account:read")):
        token = sandbox.connect(user=user, scope=scope)["access_token"]
        check(sandbox.get("/v2/account", token).json(), "/v2/account", "200")


def test_refusals_are_as_described(sandbox: Sandbox) -> None:
    token = sandbox.connect(scope="account:read droplet:read")["access_token"]

    check(sandbox.get("/v2/account").json(), "/v2/account", "401")
    check(sandbox.get("/v2/droplets/1", token).json(), "/v2/droplets/{droplet_id}", "404")
    check(sandbox.get("/v2/droplets", token, tag_name="web").json(), "/v2/droplets", "403")
    check(sandbox.get("/v2/droplets", token, per_page=0).json(), "/v2/droplets", "422")
    sandbox.settings(burst_limit=1)
    check(sandbox.get("/v2/droplets", token).json(), "/v2/droplets", "429")


def test_actions_are_as_described(sandbox: Sandbox) -> None:
    token = sandbox.connect(scope="read write")["access_token"]
    page = sandbox.get("/v2/droplets", token, per_page=200).json()["droplets"]
    droplet = next(each["id"] for each in page if each["status"] == "active" and not each["locked"])
    of_droplet = "/v2/droplets/{droplet_id}/actions"

    asked = sandbox.act(droplet, token, "snapshot")
    check(asked.json(), of_droplet, "201", "post")
    check(sandbox.act(droplet, token, "reboot").json(), of_droplet, "422", "post")
    check(sandbox.get("/v2/actions", token, per_page=200).json(), "/v2/actions", "200")
    check(sandbox.get(f"/v2/droplets/{droplet}/actions", token).json(), of_droplet, "200")
    for path in (f"/v2/actions/{asked.json()['action']['id']}", "/v2/actions/1"):
        answer = sandbox.get(path, token)
        check(answer.json(), "/v2/actions/{action_id}", str(answer.status_code))


def test_what_belongs_to_a_droplet_is_as_described(sandbox: Sandbox) -> None:
    sandbox.settings(burst_limit=0)
    token = sandbox.connect()["access_token"]
    droplets = sandbox.get("/v2/droplets", token, per_page=200).json()["droplets"]

    for droplet in (*droplets[:10], *droplets[-10:], *(each for each in droplets if each["snapshot_ids"])):
        for part in ("snapshots", "backups", "backups/policy", "firewalls"):
            check(sandbox.get(f"/v2/droplets/{droplet['id']}/{part}", token).json(), f"{ONE}/{part}", "200")


@pytest.mark.parametrize("what", ["sizes", "images", "volumes", "firewalls", "vpcs", "reserved_ips"])
def test_what_a_team_has_and_can_choose_is_as_described(sandbox: Sandbox, what: str) -> None:
    token = sandbox.connect(scope="read")["access_token"]
    for page in (1, 2, 3):
        check(sandbox.get(f"/v2/{what}", token, per_page=50, page=page).json(), f"/v2/{what}", "200")
    check(sandbox.get(f"/v2/{what}", token, page=0).json(), f"/v2/{what}", "422")


def test_single_resources_are_as_described_in_lists(sandbox: Sandbox) -> None:
    token = sandbox.connect()["access_token"]
    volume = sandbox.get("/v2/volumes", token).json()["volumes"][0]["id"]
    vpc = sandbox.get("/v2/vpcs", token).json()["vpcs"][0]["id"]

    check_component(sandbox.get("/v2/images/debian-12-x64", token).json()["image"], "schemas/image")
    check_component(sandbox.get(f"/v2/volumes/{volume}", token).json()["volume"], "schemas/volume_full")
    check_component(sandbox.get(f"/v2/vpcs/{vpc}", token).json()["vpc"], "schemas/vpc")


@pytest.mark.parametrize(
    "name",
    [
        "bandwidth", "cpu", "load_1", "load_5", "load_15", "memory_total", "memory_free", "memory_available",
        "memory_cached", "filesystem_size", "filesystem_free",
    ],
)  # fmt: skip
def test_metrics_are_as_described(sandbox: Sandbox, name: str) -> None:
    token = sandbox.connect()["access_token"]
    page = sandbox.get("/v2/droplets", token, per_page=200).json()["droplets"]
    droplet = next(each["id"] for each in page if each["status"] == "active" and "monitoring" in each["features"])
    path, now = f"/v2/monitoring/metrics/droplet/{name}", int(time.time())
    wires = {"interface": "public", "direction": "inbound"}

    some = sandbox.get(path, token, host_id=droplet, start=now - 3_600, end=now, **wires)
    none = sandbox.get(path, token, host_id=1, start=now - 3_600, end=now, **wires)

    assert some.json()["data"]["result"]
    for answer, status in ((some, "200"), (none, "200"), (sandbox.get(path, token), "422")):
        assert answer.status_code == int(status)
        check(answer.json(), path, status)


def test_the_check_finds_a_wrong_response(sandbox: Sandbox) -> None:
    token = sandbox.connect()["access_token"]
    sandbox.fault("patch", path="/v2/droplets$", set={"/droplets/0/status": "asleep", "/droplets/1/id": "seven"})

    with pytest.raises(AssertionError, match="asleep"):
        check(sandbox.get("/v2/droplets", token).json(), "/v2/droplets", "200")
