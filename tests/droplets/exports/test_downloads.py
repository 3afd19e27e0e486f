from __future__ import annotations

import re
from collections.abc import Callable
from json import loads

import pytest
from django.db import connection
from django.http import StreamingHttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.droplets.exports.files import Inventory, ssh_hosts, table
from tests.support.person import Person

CSV, JSON, ANSIBLE, SSH = ADDRESSES = (
    "/droplets.csv", "/droplets.json", "/droplets/ansible.yml", "/droplets/ssh_config",
)  # fmt: skip
LISTING = "/v2/droplets$"

ACME = [
    {"id": 11, "name": "web-1", "status": "active", "tags": ["web", "env:prod"], "/region/slug": "fra1",
     "created_at": "2020-07-21T18:37:44Z", "/size/price_monthly": 6.0, "memory": 1024, "disk": 25,
     "networks": {"v4": [{"ip_address": "203.0.113.1", "type": "public"},
                         {"ip_address": "10.0.0.1", "type": "private"}],
                  "v6": [{"ip_address": "2001:db8::1", "type": "public"}]}},
    {"id": 12, "name": "new-1", "status": "new", "networks": {"v4": [], "v6": []}},
]  # fmt: skip
NORTHWIND = [
    {"id": 21, "name": "db-1", "status": "off", "tags": [], "/region/slug": "nyc3",
     "networks": {"v4": [{"ip_address": "203.0.113.2", "type": "public"}], "v6": []}},
]  # fmt: skip


@pytest.fixture
def fleet(alice: Person) -> Person:
    """Alice, with a droplet in each of two teams, and one that has no address yet."""
    for team, droplets in (("Acme Web", ACME), ("Northwind", NORTHWIND)):
        alice.connect(team)
        have(alice, team, droplets)
    return alice


def have(person: Person, team: str, droplets: list[dict[str, object]]) -> None:
    person.sandbox.droplets(team, count=len(droplets))
    person.sandbox.droplets(team, patch=[{"index": index, "set": some} for index, some in enumerate(droplets)])


def download(person: Person, address: str) -> str:
    answer = person.client.get(address)
    assert answer.status_code == 200
    assert isinstance(answer, StreamingHttpResponse)
    return answer.getvalue().decode()


NAMES: dict[str, Callable[[str], list[str]]] = {
    CSV: lambda text: [row["name"] for row in table(text)],
    JSON: lambda text: [droplet["name"] for droplet in loads(text)["droplets"]],
    ANSIBLE: lambda text: list(Inventory(text).hosts),
    SSH: lambda text: [host.rpartition(".")[0] for host in ssh_hosts(text)],  # without the team
}
"""How to read off each file which droplets are in it."""


def names(person: Person, address: str, query: str = "") -> list[str]:
    return NAMES[address](download(person, address + query))


# Works


def test_a_spreadsheet_has_a_line_for_each_droplet(fleet: Person) -> None:
    web = table(download(fleet, "/droplets.csv?sort=-name"))[0]

    assert (web["team"], web["team_uuid"]) == ("Acme Web", fleet.sandbox.team("Acme Web").uuid)
    assert (web["id"], web["status"], web["locked"], web["region_slug"]) == ("11", "active", "false", "fra1")
    assert (web["memory_mb"], web["disk_gb"], web["monthly_usd"]) == ("1024", "25", "6.0")
    assert (web["public_addresses"], web["private_addresses"]) == ("203.0.113.1 2001:db8::1", "10.0.0.1")
    assert (web["tags"], web["created_at"]) == ("web env:prod", "2020-07-21T18:37:44+00:00")


def test_data_tells_how_whole_it_is(fleet: Person) -> None:
    found = loads(download(fleet, "/droplets.json"))

    assert found["complete"] is True
    assert found["read_at"].startswith("20")
    assert [(team["name"], team["complete"], team["droplets"], team["trouble"]) for team in found["teams"]] == [
        ("Acme Web", True, 2, None), ("Northwind", True, 1, None),
    ]  # fmt: skip
    assert {team["uuid"] for team in found["teams"]} == {
        fleet.sandbox.team(name).uuid for name in ("Acme Web", "Northwind")
    }
    web = found["droplets"][-1]
    assert (web["id"], web["memory_mb"], web["monthly_usd"], web["tags"]) == (11, 1024, 6.0, ["web", "env:prod"])


def test_an_inventory_has_hosts_and_groups(fleet: Person) -> None:
    text = download(fleet, "/droplets/ansible.yml")

    found = Inventory(text)
    assert found.hosts["web-1"]["ansible_host"] == "203.0.113.1"
    assert found.hosts["web-1"]["digitalocean_tags"] == ["web", "env:prod"]
    assert found.groups == {
        "region_fra1": ["web-1"], "region_nyc3": ["db-1"], "status_active": ["web-1"], "status_off": ["db-1"],
        "tag_env_prod": ["web-1"], "tag_web": ["web-1"], "team_acme_web": ["web-1"], "team_northwind": ["db-1"],
    }  # fmt: skip
    assert text.endswith("#   new-1, Acme Web\n")


def test_an_ssh_config_has_a_host_for_each_address(fleet: Person) -> None:
    text = download(fleet, "/droplets/ssh_config")

    assert ssh_hosts(text) == {"web-1.acme-web": "203.0.113.1", "db-1.northwind": "203.0.113.2"}
    assert "\n# web-1, Acme Web, fra1, active\nHost web-1.acme-web\n" in text
    assert text.endswith("#   new-1, Acme Web\n")


def test_it_holds_what_the_search_finds_in_its_order(fleet: Person) -> None:
    have(fleet, "Northwind", [*NORTHWIND, NORTHWIND[0] | {"id": 22, "name": "db-2"}])

    for address in ADDRESSES:
        assert names(fleet, address, "?status=off&sort=name") == ["db-1", "db-2"]
        assert names(fleet, address, "?status=off&sort=-name") == ["db-2", "db-1"]
        assert names(fleet, address, "?q=web&tag=env:prod&tag=none&region=fra1") == ["web-1"]
        assert names(fleet, address, "?q=nothing") == []


def test_a_host_has_one_name_in_the_fleet_and_in_a_search(fleet: Person) -> None:
    have(fleet, "Northwind", [NORTHWIND[0] | {"name": "WEB-1"}])

    assert sorted(names(fleet, ANSIBLE)) == ["WEB-1-21", "web-1-11"]
    assert names(fleet, ANSIBLE, "?status=off") == ["WEB-1-21"]
    assert sorted(ssh_hosts(download(fleet, SSH))) == ["WEB-1.northwind", "web-1.acme-web"]
    assert list(ssh_hosts(download(fleet, f"{SSH}?status=off"))) == ["WEB-1.northwind"]


@pytest.mark.parametrize(
    ("address", "name", "kind"),
    [
        (CSV, r"droplets-\d{4}-\d\d-\d\d\.csv", "text/csv; charset=utf-8"),
        (JSON, r"droplets-\d{4}-\d\d-\d\d\.json", "application/json"),
        (ANSIBLE, r"inventory-\d{4}-\d\d-\d\d\.yml", "application/yaml"),
        (SSH, r"conveyor_config", "text/plain; charset=utf-8"),
    ],
)
def test_it_is_a_file_with_a_name(fleet: Person, address: str, name: str, kind: str) -> None:
    answer = fleet.client.get(address)

    assert re.fullmatch(f'attachment; filename="{name}"', answer["Content-Disposition"])
    assert answer["Content-Type"] == kind
    assert "no-store" in answer["Cache-Control"]
    asked = fleet.client.head(address)
    assert (asked.status_code, asked["Content-Disposition"]) == (200, answer["Content-Disposition"])


@pytest.mark.parametrize("address", ADDRESSES)
def test_all_pages_are_written_while_they_are_sent_without_the_database(fleet: Person, address: str) -> None:
    asked_anew(fleet, address)  # the first finds nothing in the cache, and looks for the latest reading
    few, _ = asked_anew(fleet, address)
    fleet.sandbox.droplets("Acme Web", count=700)
    many, answer = asked_anew(fleet, f"{address}?page=3&per_page=50")

    with CaptureQueriesContext(connection) as sending:
        pieces = list(answer.streaming_content)

    assert len(pieces) > 1
    assert len(NAMES[address](b"".join(pieces).decode())) > 600
    assert many == few
    assert len(sending) == 0


def asked_anew(person: Person, address: str) -> tuple[int, StreamingHttpResponse]:
    """How many queries it takes when every team is read, and the answer."""
    for each in person.connections:
        person.client.post(f"/droplets/{each.pk}/renew/")
    with CaptureQueriesContext(connection) as queries:
        answer = person.client.get(address)
    assert isinstance(answer, StreamingHttpResponse)
    return len(queries), answer


# Refuses


@pytest.mark.parametrize("address", ADDRESSES)
def test_it_requires_login(address: str, db: None) -> None:
    answer = Client().get(address)

    assert (answer.status_code, answer["Location"]) == (302, f"/accounts/login/?next={address}")


def test_it_takes_no_post(alice: Person) -> None:
    for address in ADDRESSES:
        assert alice.client.post(address).status_code == 405


def test_it_holds_nothing_of_others(fleet: Person, bob: Person) -> None:
    bob.connect("Northwind")
    assert "new-1" in names(fleet, CSV)

    for address in ADDRESSES:
        assert names(bob, address) == ["db-1"]


# Handles


def test_a_sick_team_is_told_and_the_others_are_there(fleet: Person) -> None:
    fleet.sandbox.fault("status", path=LISTING, team="Northwind", status=500)

    found = loads(download(fleet, "/droplets.json"))

    assert found["complete"] is False
    assert [(team["complete"], team["droplets"], team["trouble"]) for team in found["teams"]] == [
        (True, 2, None), (False, 0, "DigitalOcean is having trouble answering."),
    ]  # fmt: skip
    assert names(fleet, CSV) == names(fleet, JSON) == ["new-1", "web-1"]
    for address in (ANSIBLE, SSH):
        assert names(fleet, address) == ["web-1"]
        told = "# Not all droplets are here:\n# Northwind: DigitalOcean is having trouble answering.\n"
        assert told in download(fleet, address)
    for address, name in (
        (CSV, "-incomplete.csv"), (JSON, "-incomplete.json"), (ANSIBLE, "-incomplete.yml"), (SSH, "-incomplete"),
    ):  # fmt: skip
        assert fleet.client.get(address)["Content-Disposition"].endswith(f'{name}"')


def test_a_team_that_fell_sick_is_there_as_it_was(fleet: Person) -> None:
    download(fleet, CSV)
    fleet.sandbox.fault("status", path=LISTING, team="Northwind", status=500)
    fleet.client.post(f"/droplets/{fleet.connection('Northwind').pk}/renew/")

    found = loads(download(fleet, JSON))

    assert found["complete"] is True
    assert [team["trouble"] for team in found["teams"]] == [None, "DigitalOcean is having trouble answering."]
    assert names(fleet, CSV) == ["db-1", "new-1", "web-1"]
    assert "# Northwind: DigitalOcean is having trouble answering.\n" in download(fleet, SSH)


def test_nobodys_fleet_is_an_empty_file(alice: Person) -> None:
    for address in ADDRESSES:
        assert names(alice, address) == []


HOSTILE = (
    'a"\n  evil: true', "{{ lookup('pipe', 'id') }}", "%sveryone", "*", "!prod", "-oProxyCommand=id", "..", "", "日本",
    "a b", "Host evil", "\u202egnp", "x" * 255, "'; DROP TABLE", "!!python/object/apply:os.system", "a\\", "a: b # c",
    "=1+1", "@SUM(A1)", "\ud83d\ude00", "שלום", "all", "localhost", "web-1",
)  # fmt: skip


def test_hostile_names_stay_names(fleet: Person) -> None:
    droplets: list[dict[str, object]] = [
        {"id": 100 + index, "name": name, "tags": [name], "/region/slug": name, "status": name,
         "/image": {"name": name}, "networks": {"v4": [{"ip_address": f"198.51.100.{index}", "type": "public"}]}}
        for index, name in enumerate(HOSTILE)
    ]  # fmt: skip
    have(fleet, "Northwind", droplets)

    for address in ADDRESSES:
        there = names(fleet, address)
        assert len(there) == len(HOSTILE) + (1 if address in (ANSIBLE, SSH) else 2)
    addresses = [f"198.51.100.{index}" for index in range(len(HOSTILE))]
    assert {*addresses} < set(ssh_hosts(download(fleet, SSH)).values())
    assert {*addresses} < {host["ansible_host"] for host in Inventory(download(fleet, ANSIBLE)).hosts.values()}


@pytest.mark.parametrize("odd", ["nonsense", "203.0.113.1\nProxyCommand id", "fe80::1%{{ 7 * 7 }}"])
def test_what_is_no_address_is_no_host(fleet: Person, odd: str) -> None:
    networks = {"v4": [{"ip_address": odd, "type": "public"}], "v6": []}
    have(fleet, "Northwind", [NORTHWIND[0] | {"networks": networks}])

    assert names(fleet, SSH) == names(fleet, ANSIBLE) == ["web-1"]


def test_a_droplet_that_made_no_sense_is_missing_too(fleet: Person) -> None:
    fleet.sandbox.fault(
        "patch", path="/v2/droplets$", team="Northwind", type="droplets", set={"/droplets/0/id": "seven"}
    )

    found = loads(download(fleet, "/droplets.json"))

    assert found["complete"] is False
    assert {team["name"]: team["complete"] for team in found["teams"]} == {"Acme Web": True, "Northwind": False}
    assert "-incomplete.csv" in fleet.client.get("/droplets.csv")["Content-Disposition"]
