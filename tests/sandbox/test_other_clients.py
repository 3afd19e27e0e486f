"""Software that nobody here wrote takes the sandbox for DigitalOcean: pydo and python-digitalocean."""

from __future__ import annotations

from typing import Any

import digitalocean
import pydo
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import SansIOHTTPPolicy

from tests.support.sandbox import Sandbox


class BearerOverHttp(SansIOHTTPPolicy[Any, Any]):
    """pydo's own policy refuses plain http; the header is all there is to it."""

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


def test_pydo_understands_a_refusal(sandbox: Sandbox) -> None:
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


def test_python_digitalocean_understands_a_refusal(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITALOCEAN_END_POINT", f"{sandbox.api_url}/")

    with pytest.raises(digitalocean.DataReadError, match="Unable to authenticate"):
        digitalocean.Manager(token="doo_v1_nonsense").get_all_droplets()
