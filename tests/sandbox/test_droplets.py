"""GET /v2/droplets and GET /v2/droplets/{id}."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.sandbox import Sandbox


@pytest.fixture
def token(sandbox: Sandbox) -> str:
    found: str = sandbox.connect(team="Acme Web")["access_token"]
    return found


def listed(sandbox: Sandbox, token: str, **query: Any) -> dict[str, Any]:
    answer = sandbox.get("/v2/droplets", token, **query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def all_pages(sandbox: Sandbox, token: str, **query: Any) -> list[dict[str, Any]]:
    """Every droplet, by following the `next` links."""
    page = listed(sandbox, token, **query)
    found = list(page["droplets"])
    while following := page["links"].get("pages", {}).get("next"):
        assert following.startswith(f"{sandbox.url}/v2/droplets?")
        page = sandbox.get(following.removeprefix(sandbox.url), token).json()
        found += page["droplets"]
    return found


def test_a_page_has_twenty_unless_asked(sandbox: Sandbox, token: str) -> None:
    page = listed(sandbox, token)

    assert len(page["droplets"]) == 20
    assert page["meta"] == {"total": 150}
    assert page["links"]["pages"] == {
        "next": f"{sandbox.url}/v2/droplets?page=2",
        "last": f"{sandbox.url}/v2/droplets?page=8",
    }


def test_a_page_in_the_middle_links_everywhere(sandbox: Sandbox, token: str) -> None:
    pages = listed(sandbox, token, page=2, per_page=50)["links"]["pages"]

    assert pages == {
        "first": f"{sandbox.url}/v2/droplets?page=1&per_page=50",
        "prev": f"{sandbox.url}/v2/droplets?page=1&per_page=50",
        "next": f"{sandbox.url}/v2/droplets?page=3&per_page=50",
        "last": f"{sandbox.url}/v2/droplets?page=3&per_page=50",
    }


def test_the_last_page_links_back_only(sandbox: Sandbox, token: str) -> None:
    assert listed(sandbox, token, page=3, per_page=50)["links"]["pages"].keys() == {"first", "prev"}


def test_beyond_the_last_page_there_is_nothing(sandbox: Sandbox, token: str) -> None:
    page = listed(sandbox, token, page=99, per_page=200)

    assert (page["droplets"], page["meta"]) == ([], {"total": 150})
    assert page["links"]["pages"]["prev"] == f"{sandbox.url}/v2/droplets?page=1&per_page=200"


def test_a_single_page_has_no_links(sandbox: Sandbox, token: str) -> None:
    assert listed(sandbox, token, per_page=200)["links"] == {}


@pytest.mark.parametrize("per_page", [1, 7, 20, 200])
def test_following_next_finds_each_droplet_once(sandbox: Sandbox, per_page: int) -> None:
    sandbox.reset(droplets=41)
    token = sandbox.connect()["access_token"]

    ids = [droplet["id"] for droplet in all_pages(sandbox, token, per_page=per_page)]

    assert len(ids) == len(set(ids)) == 41
    assert ids == sorted(ids)


@pytest.mark.parametrize(
    "wrong",
    [
        {"per_page": 0},
        {"per_page": 201},
        {"per_page": "all"},
        {"page": 0},
        {"page": -1},
        {"page": "9" * 5000},
        {"type": "cpus"},
        {"tag_name": "web", "name": "web-01"},
        {"tag_name": "web", "type": "gpus"},
        {"tag_name": "web", "type": "droplets"},
    ],
)
def test_it_refuses_invalid_queries(sandbox: Sandbox, token: str, wrong: dict[str, Any]) -> None:
    answer = sandbox.get("/v2/droplets", token, **wrong)

    assert (answer.status_code, answer.json()["id"]) == (422, "unprocessable_entity")


def test_gpu_droplets_are_a_list_of_their_own(sandbox: Sandbox, token: str) -> None:
    ordinary = listed(sandbox, token, per_page=200)["droplets"]
    gpus = listed(sandbox, token, type="gpus")["droplets"]

    assert len(gpus) == sandbox.team("Acme Web").gpus == 3
    assert all(each["gpu_info"]["count"] >= 1 for each in gpus)
    assert not any("gpu_info" in each for each in ordinary)
    assert {each["id"] for each in gpus}.isdisjoint(each["id"] for each in ordinary)
    assert sandbox.get(f"/v2/droplets/{gpus[0]['id']}", token).json()["droplet"] == gpus[0]


def test_a_name_is_found_whole_and_in_any_case(sandbox: Sandbox, token: str) -> None:
    sandbox.droplets("Acme Web", patch=[{"index": 5, "set": {"name": "Needle-01"}}])

    found = listed(sandbox, token, name="nEEDLE-01")

    assert [each["name"] for each in found["droplets"]] == ["Needle-01"]
    assert listed(sandbox, token, name="needle")["meta"]["total"] == 0


def test_a_tag_finds_its_droplets_and_stays_in_the_links(sandbox: Sandbox, token: str) -> None:
    everything = listed(sandbox, token, per_page=200)["droplets"]
    tagged = [each["id"] for each in everything if "env:prod" in each["tags"]]

    found = all_pages(sandbox, token, tag_name="ENV:prod", per_page=10)

    assert [each["id"] for each in found] == tagged
    assert 10 < len(tagged) < 150


def test_one_droplet_is_as_in_the_list(sandbox: Sandbox, token: str) -> None:
    droplet = listed(sandbox, token)["droplets"][7]

    assert sandbox.get(f"/v2/droplets/{droplet['id']}", token).json() == {"droplet": droplet}


@pytest.mark.parametrize("droplet_id", ["1", "nonsense", "9" * 5000, "-1"])
def test_an_unknown_droplet_is_not_found(sandbox: Sandbox, token: str, droplet_id: str) -> None:
    answer = sandbox.get(f"/v2/droplets/{droplet_id}", token)

    assert answer.status_code == 404
    assert answer.json() == {
        "id": "not_found",
        "message": "The resource you requested could not be found.",
        "request_id": answer.headers["x-request-id"],
    }


def test_another_teams_droplet_is_not_found(sandbox: Sandbox, token: str) -> None:
    foreign = sandbox.connect(team="Side projects")["access_token"]
    droplet = listed(sandbox, foreign)["droplets"][0]

    assert sandbox.get(f"/v2/droplets/{droplet['id']}", token).status_code == 404


def test_a_trailing_slash_is_taken(sandbox: Sandbox, token: str) -> None:
    droplet = listed(sandbox, token)["droplets"][0]

    for path in ("/v2/account/", "/v2/droplets/", f"/v2/droplets/{droplet['id']}/"):
        assert sandbox.get(path, token).status_code == 200


def test_northwind_is_the_same_team_for_both_users(sandbox: Sandbox) -> None:
    ada = sandbox.connect(user="ada", team="Northwind")["access_token"]
    grace = sandbox.connect(user="grace", team="Northwind")["access_token"]

    assert all_pages(sandbox, ada, per_page=200) == all_pages(sandbox, grace, per_page=200)


def test_ids_are_unique_over_all_teams(sandbox: Sandbox) -> None:
    ids: list[int] = []
    for user, team in (("ada", "Acme Web"), ("ada", "Northwind"), ("ada", "Side projects"), ("grace", "Hopper Labs")):
        token = sandbox.connect(user=user, team=team)["access_token"]
        for kind in ("droplets", "gpus"):
            ids += [each["id"] for each in all_pages(sandbox, token, per_page=200, type=kind)]

    assert len(ids) == len(set(ids)) > 600


def test_droplets_vary(sandbox: Sandbox, token: str) -> None:
    fleet = listed(sandbox, token, per_page=200)["droplets"]

    assert {each["status"] for each in fleet} == {"active", "off", "new", "archive"}
    assert sum(each["status"] == "active" for each in fleet) > 100
    assert len({each["region"]["slug"] for each in fleet}) > 1
    assert len({each["size_slug"] for each in fleet}) > 8
    assert any(each["volume_ids"] for each in fleet)
    assert any(each["networks"]["v6"] for each in fleet)
    assert any(each["next_backup_window"] for each in fleet)
    assert any(each["image"]["slug"] is None for each in fleet)
    assert fleet[0]["created_at"] < "2017"
    assert fleet[-1]["created_at"] > "2026-10"
    for each in fleet:
        kinds = [network["type"] for network in each["networks"]["v4"]]
        assert kinds == ([] if each["status"] == "new" else ["private", "public"])
        assert each["memory"] == each["size"]["memory"]
        assert each["size"]["price_monthly"] > 0


def test_without_a_valid_token_everything_is_a_401(sandbox: Sandbox) -> None:
    for path in ("/v2/droplets", "/v2/droplets/1", "/v2/account", "/v2/nothing"):
        for bad in (None, "", "doo_v1_nonsense", "\xff"):
            answer = sandbox.get(path, bad)
            assert (answer.status_code, answer.json()["id"]) == (401, "unauthorized")


def test_an_unknown_path_is_not_found(sandbox: Sandbox, token: str) -> None:
    assert sandbox.get("/v2/nothing", token).json()["id"] == "not_found"
    assert sandbox.get("/elsewhere").status_code == 404
