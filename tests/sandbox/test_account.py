"""GET /v2/account."""

from __future__ import annotations

import pytest

from tests.support.sandbox import Sandbox


def test_it_shows_user_and_team(sandbox: Sandbox) -> None:
    token = sandbox.connect(user="grace", team="Northwind")["access_token"]

    account = sandbox.get("/v2/account", token).json()["account"]

    assert account["uuid"] == sandbox.user("grace").uuid
    assert (account["email"], account["name"]) == ("grace@northwind.example", "Grace Hopper")
    assert account["team"] == {"uuid": sandbox.team("Northwind").uuid, "name": "Northwind"}
    assert (account["status"], account["email_verified"], account["droplet_limit"]) == ("active", True, 25)


def test_the_user_is_the_same_in_every_team(sandbox: Sandbox) -> None:
    tokens = [sandbox.connect(team=team)["access_token"] for team in ("Acme Web", "Northwind")]

    accounts = [sandbox.get("/v2/account", token).json()["account"] for token in tokens]

    assert accounts[0]["uuid"] == accounts[1]["uuid"]
    assert accounts[0]["team"] != accounts[1]["team"]


def test_outside_of_a_team_there_is_no_team(sandbox: Sandbox) -> None:
    token = sandbox.connect(user="linus")["access_token"]

    assert "team" not in sandbox.get("/v2/account", token).json()["account"]
    assert sandbox.get("/v2/droplets", token).json() == {"droplets": [], "links": {}, "meta": {"total": 0}}


def test_linus_can_get_a_team_later(sandbox: Sandbox) -> None:
    before = sandbox.connect(user="linus")

    sandbox.account("linus", team="Solo Works")
    after = sandbox.connect(user="linus")

    assert after["info"]["team_name"] == "Solo Works"
    assert sandbox.get("/v2/droplets", after["access_token"]).json()["meta"]["total"] == 150
    assert "team" not in sandbox.get("/v2/account", before["access_token"]).json()["account"]


def test_further_people_can_join_a_team(sandbox: Sandbox) -> None:
    mary = sandbox.add_user("Mary Shelley", "mary@acme.example", "Acme Web", "Northwind")
    other = sandbox.add_user("Another", "another@acme.example", "Acme Web")

    connected = sandbox.connect(user="mary", team="Acme Web")

    assert (mary.name, mary.email, mary.status) == ("Mary Shelley", "mary@acme.example", "active")
    assert mary.teams == [sandbox.team("Acme Web").uuid, sandbox.team("Northwind").uuid]
    assert len({user.uuid for user in sandbox.users()}) == 5
    assert other.uuid in sandbox.team("Acme Web").members
    assert connected["info"]["email"] == "mary@acme.example"
    with pytest.raises(ValueError, match="another user has this email"):
        sandbox.add_user("Mary again", "mary@acme.example")
    with pytest.raises(ValueError, match="name and email must be strings"):
        sandbox.add_user("", "nobody@acme.example")


def test_status_and_address_can_be_changed(sandbox: Sandbox) -> None:
    token = sandbox.connect()["access_token"]

    sandbox.account("ada", status="locked", email="ada@elsewhere.example")

    account = sandbox.get("/v2/account", token).json()["account"]
    assert (account["status"], account["email"]) == ("locked", "ada@elsewhere.example")
    assert account["status_message"]
    with pytest.raises(ValueError, match="status must be one of"):
        sandbox.account("ada", status="asleep")


def test_the_status_message_can_be_set(sandbox: Sandbox) -> None:
    token = sandbox.connect()["access_token"]

    def account(**changes: str) -> tuple[str, str]:
        sandbox.account("ada", **changes)
        found = sandbox.get("/v2/account", token).json()["account"]
        return found["status"], found["status_message"]

    assert account(status="warning", status_message="Please <b>verify</b> your card.") == (
        "warning",
        "Please <b>verify</b> your card.",
    )
    assert account(status_message="") == ("warning", "")
    sandbox.reset()
    token = sandbox.connect()["access_token"]
    assert account(status="locked")[1].startswith("Your account is locked")


def test_a_team_can_be_renamed(sandbox: Sandbox) -> None:
    pair = sandbox.connect(team="Acme Web")
    uuid = sandbox.team("Acme Web").uuid
    before = sandbox.get("/v2/droplets", pair["access_token"], per_page=200).json()

    sandbox.rename_team("Acme Web", "Acme & Söhne")

    assert sandbox.team("Acme & Söhne").uuid == uuid
    account = sandbox.get("/v2/account", pair["access_token"]).json()["account"]
    assert account["team"] == {"uuid": uuid, "name": "Acme & Söhne"}
    assert sandbox.get("/v2/droplets", pair["access_token"], per_page=200).json() == before
    assert sandbox.refresh(pair["refresh_token"]).json()["info"]["team_name"] == "Acme & Söhne"
    assert sandbox.connect(team="Acme & Söhne")["info"]["team_uuid"] == uuid
    with pytest.raises(ValueError, match="name must be a string"):
        sandbox.rename_team("Acme & Söhne", "")
