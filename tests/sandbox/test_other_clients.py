"""The clients pydo and python-digitalocean work with the sandbox."""

from __future__ import annotations

import time
from typing import Any

import digitalocean
import pydo
import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import SansIOHTTPPolicy

from tests.support.sandbox import Sandbox


class BearerOverHttp(SansIOHTTPPolicy[Any, Any]):
    """Sends the token over plain http, which pydo's own policy refuses."""

    def __init__(self, token: str) -> None:
        self._token = token

    def on_request(self, request: PipelineRequest[Any]) -> None:
        request.http_request.headers["Authorization"] = f"Bearer {self._token}"


@pytest.fixture
def token(sandbox: Sandbox) -> str:
    sandbox.reset(droplets=450)
    return str(sandbox.connect(team="Acme Web")["access_token"])


def pydo_client(sandbox: Sandbox, token: str) -> pydo.Client:
    return pydo.Client(token=token, endpoint=sandbox.url, authentication_policy=BearerOverHttp(token), retry_total=0)


def test_pydo_lists_every_droplet(sandbox: Sandbox, token: str) -> None:
    client = pydo_client(sandbox, token)

    found: list[Any] = []
    page = 1
    while True:
        answer = client.droplets.list(page=page, per_page=200)
        found += answer["droplets"]
        page += 1
        if "next" not in answer["links"].get("pages", {}):
            break

    assert len({droplet["id"] for droplet in found}) == answer["meta"]["total"] == 450
    assert page == 4


def test_pydo_gets_a_droplet_and_the_account(sandbox: Sandbox, token: str) -> None:
    client = pydo_client(sandbox, token)
    listed = client.droplets.list(name="", type="gpus")["droplets"]

    droplet = client.droplets.get(listed[0]["id"])["droplet"]

    assert droplet == listed[0]
    assert droplet["gpu_info"]["count"] >= 1
    assert client.account.get()["account"]["team"]["name"] == "Acme Web"


def test_pydo_runs_an_action(sandbox: Sandbox) -> None:
    token = str(sandbox.connect(team="Acme Web", scope="read write")["access_token"])
    client = pydo_client(sandbox, token)
    droplets = client.droplets.list(per_page=200)["droplets"]
    droplet = next(each for each in droplets if each["status"] == "off" and not each["locked"])["id"]

    action = client.droplet_actions.post(droplet, {"type": "resize", "size": "s-8vcpu-16gb", "disk": False})["action"]
    assert client.actions.get(action["id"])["action"]["status"] == "in-progress"
    with pytest.raises(HttpResponseError, match="pending event"):
        client.droplet_actions.post(droplet, {"type": "power_on"})
    sandbox.forward(3_600)

    assert client.droplet_actions.get(droplet, action["id"])["action"]["status"] == "completed"
    assert client.droplet_actions.list(droplet)["actions"][0]["type"] == "resize"
    assert client.droplets.get(droplet)["droplet"]["size_slug"] == "s-8vcpu-16gb"
    client.droplets.destroy(droplet)
    assert client.droplets.get(droplet)["id"] == "not_found"


def test_pydo_reads_what_a_droplet_has(sandbox: Sandbox, token: str) -> None:
    client = pydo_client(sandbox, token)
    droplets = client.droplets.list(per_page=200)["droplets"]
    backed_up = next(each for each in droplets if each["backup_ids"])
    mounted = next(each for each in droplets if each["volume_ids"])
    watched = next(each for each in droplets if each["status"] == "active" and "monitoring" in each["features"])

    backups = client.droplets.list_backups(backed_up["id"])["backups"]
    assert [each["id"] for each in backups] == backed_up["backup_ids"]
    policy = client.droplets.get_backup_policy(backed_up["id"])["policy"]
    assert policy["next_backup_window"] == backed_up["next_backup_window"]
    assert {each["name"] for each in client.droplets.list_supported_backup_policies()["supported_policies"]} == {
        "daily",
        "weekly",
    }
    assert client.volumes.get(mounted["volume_ids"][0])["volume"]["droplet_ids"] == [mounted["id"]]
    assert client.vpcs.get(mounted["vpc_uuid"])["vpc"]["region"] == mounted["region"]["slug"]
    assert client.images.get(mounted["image"]["id"])["image"] == mounted["image"]
    assert client.reserved_ips.list()["meta"]["total"] == 5
    assert client.reserved_ipv6.list()["meta"]["total"] == 1
    assert client.sizes.list(per_page=200)["sizes"]
    assert client.firewalls.list()["firewalls"]
    now = int(time.time())
    load = client.monitoring.get_droplet_load1_metrics(host_id=str(watched["id"]), start=str(now - 3_600), end=str(now))
    assert len(load["data"]["result"][0]["values"]) >= 29


def test_pydo_reads_an_error(sandbox: Sandbox) -> None:
    client = pydo_client(sandbox, "doo_v1_nonsense")

    with pytest.raises(ClientAuthenticationError):
        client.droplets.list()


def test_python_digitalocean_lists_every_droplet(sandbox: Sandbox, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITALOCEAN_END_POINT", f"{sandbox.api_url}/")
    manager = digitalocean.Manager(token=token)

    droplets = manager.get_all_droplets()

    assert len({droplet.id for droplet in droplets}) == 450
    assert manager.get_account().email == "ada@acme.example"
    one = manager.get_droplet(droplets[3].id)
    assert (one.name, one.size_slug, one.ip_address) == (
        droplets[3].name,
        droplets[3].size_slug,
        droplets[3].ip_address,
    )
    assert one.ip_address


def test_python_digitalocean_reads_an_error(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITALOCEAN_END_POINT", f"{sandbox.api_url}/")

    with pytest.raises(digitalocean.DataReadError, match="Unable to authenticate"):
        digitalocean.Manager(token="doo_v1_nonsense").get_all_droplets()
