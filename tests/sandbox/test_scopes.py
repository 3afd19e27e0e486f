"""What a token's scope allows."""

from __future__ import annotations

import pytest

from tests.support.sandbox import Sandbox

EVERY_FIELD = "droplet:read image:read tag:read block_storage:read vpc:read sizes:read"


@pytest.mark.parametrize(
    ("scope", "account", "droplets"),
    [
        ("read", 200, 200),
        ("write", 200, 200),
        ("read write", 200, 200),
        ("account:read", 200, 403),
        ("droplet:read", 403, 200),
        ("droplet:update image:read", 403, 403),
    ],
)
def test_an_endpoint_needs_its_scope(sandbox: Sandbox, scope: str, account: int, droplets: int) -> None:
    token = sandbox.connect(scope=scope)["access_token"]

    assert sandbox.get("/v2/account", token).status_code == account
    answer = sandbox.get("/v2/droplets", token)
    assert answer.status_code == droplets
    if droplets == 403:
        assert answer.json()["id"] == "forbidden"
        assert "ratelimit-remaining" in answer.headers


def test_fields_of_a_droplet_need_scopes_of_their_own(sandbox: Sandbox) -> None:
    narrow = sandbox.connect(scope="droplet:read")["access_token"]
    wide = sandbox.connect(scope=EVERY_FIELD)["access_token"]

    seen = sandbox.get("/v2/droplets", narrow, per_page=200).json()["droplets"]
    all_of_it = sandbox.get("/v2/droplets", wide, per_page=200).json()["droplets"]

    assert any(each["tags"] and each["image"] and each["vpc_uuid"] for each in all_of_it)
    for each in seen:
        blank = (each["image"], each["vpc_uuid"], each["tags"], each["volume_ids"])
        assert blank == (None, None, [], [])
        assert each["backup_ids"] == each["snapshot_ids"] == each["region"]["sizes"] == []
    assert [each["name"] for each in seen] == [each["name"] for each in all_of_it]
    assert sandbox.get(f"/v2/droplets/{seen[0]['id']}", narrow).json()["droplet"] == seen[0]


def test_broad_read_sees_every_field(sandbox: Sandbox) -> None:
    broad = sandbox.connect(scope="read")["access_token"]
    wide = sandbox.connect(scope=EVERY_FIELD)["access_token"]

    assert sandbox.get("/v2/droplets", broad).json() == sandbox.get("/v2/droplets", wide).json()


def test_a_tag_filter_needs_the_tag_scope(sandbox: Sandbox) -> None:
    token = sandbox.connect(scope="droplet:read")["access_token"]

    assert sandbox.get("/v2/droplets", token, tag_name="web").status_code == 403


def test_limits_of_an_account_need_scopes_of_their_own(sandbox: Sandbox) -> None:
    token = sandbox.connect(scope="account:read")["access_token"]

    account = sandbox.get("/v2/account", token).json()["account"]

    assert (account["droplet_limit"], account["floating_ip_limit"]) == (0, 0)
