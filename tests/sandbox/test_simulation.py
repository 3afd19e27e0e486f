"""Generated users, teams and droplets, reset and restart, and the control calls that change them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.sandbox import Sandbox


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox that a test may stop and start."""
    sandbox = Sandbox.start(state=tmp_path / "sandbox.sqlite3")
    yield sandbox
    sandbox.stop()


def fleet(sandbox: Sandbox, team: str = "Acme Web", **query: Any) -> list[dict[str, Any]]:
    token = sandbox.connect(team=team)["access_token"]
    found: list[dict[str, Any]] = sandbox.get("/v2/droplets", token, per_page=200, **query).json()["droplets"]
    return found


def test_users_and_teams_are_as_described(sandbox: Sandbox) -> None:
    teams = {team.uuid: team.name for team in sandbox.teams()}

    assert [(user.name, [teams[uuid] for uuid in user.teams]) for user in sandbox.users()] == [
        ("Ada Byron", ["Acme Web", "Northwind", "Side projects"]),
        ("Grace Hopper", ["Northwind", "Hopper Labs"]),
        ("Linus Solo", []),
    ]
    assert all(len(each.uuid) == 40 and each.uuid.isalnum() for each in (*sandbox.users(), *sandbox.teams()))
    assert sandbox.team("Northwind").members == [sandbox.user("ada").uuid, sandbox.user("grace").uuid]


@pytest.mark.parametrize("count", [1, 2, 12])
def test_ada_has_as_many_teams_as_asked(sandbox: Sandbox, count: int) -> None:
    sandbox.reset(teams=count)

    assert len(set(sandbox.user("ada").teams)) == count
    assert len(sandbox.user("grace").teams) == 2


def test_the_same_seed_generates_the_same_data(sandbox: Sandbox) -> None:
    def generate(seed: int) -> tuple[Any, ...]:
        sandbox.reset(seed=seed)
        droplets = [fleet(sandbox), fleet(sandbox, type="gpus")]
        for each in (*droplets[0], *droplets[1]):
            del each["next_backup_window"], each["backup_ids"]  # these follow the clock
        return (sandbox.users(), sandbox.teams(), *droplets)

    first, other, again = generate(7), generate(8), generate(7)

    assert again == first
    assert all(one != two for one, two in zip(first, other, strict=True))


@pytest.mark.parametrize("count", [0, 1, 24, 1_000])
def test_a_fleet_has_any_size(sandbox: Sandbox, count: int) -> None:
    sandbox.reset(droplets=count)
    token = sandbox.connect()["access_token"]

    assert sandbox.get("/v2/droplets", token).json()["meta"]["total"] == count
    gpus = sandbox.get("/v2/droplets", token, type="gpus").json()["meta"]["total"]
    assert gpus == sandbox.team("Acme Web").gpus == min(3, count // 25)


def test_a_reset_leaves_nothing_behind(sandbox: Sandbox) -> None:
    sandbox.register_client("other", "other-secret")
    pair = sandbox.connect()
    sandbox.fault("status", path="/v2/droplets", status=500)
    sandbox.settings(latency_ms=1, token_lifetime=5, revoke_kills_siblings=True)
    sandbox.droplets("Acme Web", count=3)
    sandbox.account("linus", team="Solo Works", status="locked")

    sandbox.reset()

    assert (sandbox.ledger(), sandbox.faults(), sandbox.counters().total) == ([], [], 0)
    assert sandbox.get("/v2/account", pair["access_token"]).status_code == 401
    assert sandbox.settings()["token_lifetime"] == 2_592_000
    assert sandbox.settings()["latency_ms"] == 0
    assert sandbox.team("Acme Web").droplets == 150
    assert (sandbox.user("linus").teams, sandbox.user("linus").status) == ([], "active")
    assert sandbox.token(client_id="other", client_secret="other-secret", grant_type="x").status_code == 401


def test_a_reset_takes_settings_and_may_keep_clients(sandbox: Sandbox) -> None:
    sandbox.register_client("other", "other-secret")

    sandbox.reset(keep_clients=True, token_lifetime=20, latency_ms=5)

    assert sandbox.settings()["token_lifetime"] == 20
    assert sandbox.token(client_id="other", client_secret="other-secret", grant_type="x").status_code == 400


@pytest.mark.parametrize(
    "wrong",
    [{"droplet": 5}, {"droplets": "many"}, {"teams": -1}, {"seed": 1.5}, {"latency_ms": True}, {"scope_in_answer": 1}],
)
def test_an_invalid_reset_is_refused_and_changes_nothing(sandbox: Sandbox, wrong: dict[str, Any]) -> None:
    pair = sandbox.connect()

    with pytest.raises(ValueError, match=r"must be|unknown setting"):
        sandbox.reset(**wrong)

    assert sandbox.get("/v2/account", pair["access_token"]).ok


def test_tokens_and_teams_outlive_a_restart(own: Sandbox) -> None:
    own.reset(seed=5, droplets=33, teams=4)
    own.account("linus", team="Solo Works")
    pair, before = own.connect(), (own.users(), own.teams(), own.ledger())
    code = own.code(team="Northwind")

    own.restart()

    assert (own.users(), own.teams(), own.ledger()) == before
    assert own.get("/v2/account", pair["access_token"]).ok
    assert own.get("/v2/droplets", pair["access_token"]).json()["meta"]["total"] == 33
    assert own.refresh(pair["refresh_token"]).ok
    answer = own.token(
        grant_type="authorization_code",
        code=code,
        redirect_uri="http://127.0.0.1:8000/accounts/digitalocean/login/callback/",
    )
    assert answer.json()["info"]["team_name"] == "Northwind"


def test_tokens_outlive_a_crash(own: Sandbox) -> None:
    pair = own.refresh(own.connect()["refresh_token"]).json()

    own.kill()
    own.restart()

    assert own.get("/v2/account", pair["access_token"]).ok


def test_faults_and_settings_do_not_outlive_a_restart(own: Sandbox) -> None:
    own.fault("status", status=500)
    own.settings(latency_ms=50)

    own.restart()

    assert own.faults() == []
    assert own.settings()["latency_ms"] == 0


def test_a_state_file_of_the_version_before_still_works(own: Sandbox, tmp_path: Path) -> None:
    pair = own.connect()
    own.stop()
    with sqlite3.connect(tmp_path / "sandbox.sqlite3") as connection:
        connection.execute("ALTER TABLE clients DROP COLUMN name")
        connection.execute("ALTER TABLE users DROP COLUMN status_message")
        connection.execute("PRAGMA user_version = 7100")
    connection.close()

    own.restart()

    assert own.get("/v2/account", pair["access_token"]).ok
    assert "Conveyor" in own.browser.get(own.authorize_url(), timeout=10).text


def test_another_seed_starts_with_new_data(tmp_path: Path) -> None:
    for seed, grants in (("1", 0), ("1", 1), ("2", 0), ("2", 1)):
        sandbox = Sandbox.start(state=tmp_path / "sandbox.sqlite3", options=["--seed", seed])
        try:
            assert len(sandbox.ledger()) == grants
            if not grants:
                sandbox.connect()
        finally:
            sandbox.stop()


def test_droplets_can_be_counted_added_and_removed(sandbox: Sandbox) -> None:
    before = fleet(sandbox)
    sandbox.droplets("Acme Web", remove=10)
    assert fleet(sandbox) == before[:-10]

    sandbox.droplets("Acme Web", add=3)
    after = fleet(sandbox)

    assert after[:140] == before[:140]
    assert len({each["id"] for each in (*before, *after)}) == 153
    assert sandbox.team("Acme Web").droplets == 143
    sandbox.droplets("Acme Web", count=7)
    assert len(fleet(sandbox)) == 7
    assert len(fleet(sandbox, "Northwind")) == 150


def test_fields_of_a_droplet_can_be_changed(sandbox: Sandbox) -> None:
    fleet(sandbox)  # fills the cache of pages
    sandbox.droplets(
        "Acme Web",
        patch=[
            {"index": 0, "set": {"name": "<script>alert(1)</script>", "tags": None, "/size/price_monthly": "six"}},
            {"index": 1, "remove": ["region", "/networks/v4"]},
        ],
    )
    sandbox.droplets("Acme Web", gpus=True, patch=[{"index": 0, "set": {"status": 7}}])

    first, second, third = fleet(sandbox)[:3]

    assert (first["name"], first["tags"], first["size"]["price_monthly"]) == ("<script>alert(1)</script>", None, "six")
    assert "region" not in second
    assert "v4" not in second["networks"]
    assert third["size"]["price_monthly"] != "six"
    assert fleet(sandbox, type="gpus")[0]["status"] == 7


@pytest.mark.parametrize(
    "body",
    [
        {"patch": [{"index": 9_999, "set": {"name": "x"}}]},
        {"patch": [{"index": "first"}]},
        {"patch": [{"index": 0, "remove": ["nothing"]}]},
        {"count": -1},
        {"rename": 1},
    ],
)
def test_an_invalid_change_of_droplets_is_refused(sandbox: Sandbox, body: dict[str, Any]) -> None:
    url = f"{sandbox.url}/_sandbox/teams/{sandbox.team('Acme Web').uuid}/droplets"

    assert requests.post(url, json=body, timeout=10).status_code == 422


def test_control_calls_refuse_what_they_do_not_know(sandbox: Sandbox) -> None:
    def status(path: str, **request: Any) -> int:
        return requests.post(f"{sandbox.url}/_sandbox/{path}", timeout=10, **request).status_code

    assert status("expire", json={"teams": "x"}) == 422
    assert status("revoke", json={"grant": 1}) == 422
    assert status("revoke", json={"team": ["x"]}) == 422
    assert status("account", json={"user": "nobody"}) == 422
    assert status("clients", json={"client_id": "x"}) == 422
    assert status("settings", data="{not json") == 400
    assert status("settings", json=["a", "list"]) == 400
    assert status("nothing") == 404
    assert status("teams/nonsense/droplets", json={}) == 404


def test_unreadable_requests_are_a_400_and_not_a_500(sandbox: Sandbox) -> None:
    url = f"{sandbox.oauth_url}/token"

    assert requests.post(url, data=b"x", headers={"Content-Type": "multipart/form-data"}, timeout=10).status_code == 400
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert requests.post(url, data=b"a=%ff&\xff", headers=form, timeout=10).status_code == 400
    odd = {"Content-Type": "application/x-www-form-urlencoded; charset=nonsense"}
    assert requests.post(url, data=b"a=b", headers=odd, timeout=10).status_code == 400
    assert requests.post(url, data=b"a=" + b"x" * 2_000_000, headers=form, timeout=10).status_code == 400
