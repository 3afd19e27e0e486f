"""Tags of droplets, as DigitalOcean documents them."""

from __future__ import annotations

import pytest

from tests.support.sandbox import Sandbox
from tests.support.sandbox_process import request

DROPLET = 4711
BODY = {"resources": [{"resource_id": str(DROPLET), "resource_type": "droplet"}]}


@pytest.fixture
def writer(sandbox: Sandbox) -> str:
    sandbox.droplets("Acme Web", count=1)
    sandbox.droplets("Acme Web", patch=[{"index": 0, "set": {"id": DROPLET, "tags": ["Web"]}}])
    return str(sandbox.connect(team="Acme Web", scope="read write")["access_token"])


def tags(sandbox: Sandbox, token: str) -> list[str]:
    found: list[str] = sandbox.get(f"/v2/droplets/{DROPLET}", token).json()["droplet"]["tags"]
    return found


def untag(sandbox: Sandbox, token: str, tag: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return request("DELETE", f"{sandbox.url}/v2/tags/{tag}/resources", json=BODY, headers=headers).status_code


def test_a_tag_is_created_added_and_removed(sandbox: Sandbox, writer: str) -> None:
    assert sandbox.post("/v2/tags/blue/resources", writer, BODY).status_code == 404
    assert sandbox.post("/v2/tags", writer, {"name": "blue"}).json()["tag"]["name"] == "blue"
    assert sandbox.post("/v2/tags/blue/resources", writer, BODY).status_code == 204
    assert tags(sandbox, writer) == ["Web", "blue"]

    assert untag(sandbox, writer, "BLUE") == 204

    assert tags(sandbox, writer) == ["Web"]


def test_a_tag_keeps_the_case_it_was_first_written_in(sandbox: Sandbox, writer: str) -> None:
    assert sandbox.post("/v2/tags/WEB/resources", writer, BODY).status_code == 204
    assert tags(sandbox, writer) == ["Web"]


def test_what_is_refused(sandbox: Sandbox, writer: str) -> None:
    reader = str(sandbox.connect(team="Acme Web", scope="read")["access_token"])
    other = {"resources": [{"resource_id": "1", "resource_type": "droplet"}]}

    assert sandbox.post("/v2/tags", reader, {"name": "blue"}).status_code == 403
    assert untag(sandbox, reader, "Web") == 403
    assert sandbox.post("/v2/tags", writer, {"name": "not a tag"}).status_code == 422
    assert sandbox.post("/v2/tags/Web/resources", writer, other).status_code == 404
    assert (
        sandbox.post("/v2/tags/Web/resources", writer, {"resources": [{"resource_type": "image"}]}).status_code == 422
    )
