from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.http import StreamingHttpResponse
from django.test import Client

from droplets.exports import csv as as_csv
from tests.support.person import Person

ADDRESSES = ("/droplets.csv", "/droplets.json", "/droplets/ansible.yml", "/droplets/ssh_config")
LISTING = "/v2/droplets$"


@pytest.fixture
def fleet(alice: Person) -> Person:
    """Alice, with a droplet in each of two teams, and one that has no address yet."""
    for team, droplets in {
        "Acme Web": [
            {"id": 11, "name": "web-1", "status": "active", "tags": ["web", "env:prod"], "/region/slug": "fra1",
             "created_at": "2020-07-21T18:37:44Z", "/size/price_monthly": 6.0, "memory": 1024, "disk": 25,
             "networks": {"v4": [{"ip_address": "203.0.113.1", "type": "public"},
                                 {"ip_address": "10.0.0.1", "type": "private"}],
                          "v6": [{"ip_address": "2001:db8::1", "type": "public"}]}},
            {"id": 12, "name": "new-1", "status": "new", "networks": {"v4": [], "v6": []}},
        ],
        "Northwind": [
            {"id": 21, "name": "db-1", "status": "off", "tags": [], "/region/slug": "nyc3",
             "networks": {"v4": [{"ip_address": "203.0.113.2", "type": "public"}], "v6": []}},
        ],
    }.items():  # fmt: skip
        alice.connect(team)
        alice.sandbox.droplets(team, count=len(droplets))
        alice.sandbox.droplets(team, patch=[{"index": index, "set": some} for index, some in enumerate(droplets)])
    return alice


def download(person: Person, address: str) -> str:
    answer = person.client.get(address)
    assert answer.status_code == 200
    assert isinstance(answer, StreamingHttpResponse)
    return answer.getvalue().decode()


def table(person: Person, query: str = "") -> list[dict[str, str]]:
    text = download(person, f"/droplets.csv{query}").removeprefix("\ufeff")
    return list(csv.DictReader(io.StringIO(text, newline="")))


# Works


def test_a_spreadsheet_has_a_line_for_each_droplet(fleet: Person) -> None:
    rows = table(fleet, "?sort=-name")

    assert [row["name"] for row in rows] == ["web-1", "new-1", "db-1"]
    web = rows[0]
    assert web["team"] == "Acme Web"
    assert web["team_uuid"] == fleet.sandbox.team("Acme Web").uuid
    assert (web["id"], web["status"], web["locked"], web["region_slug"]) == ("11", "active", "false", "fra1")
    assert (web["memory_mb"], web["disk_gb"], web["monthly_usd"]) == ("1024", "25", "6.0")
    assert (web["public_addresses"], web["private_addresses"]) == ("203.0.113.1 2001:db8::1", "10.0.0.1")
    assert (web["tags"], web["created_at"]) == ("web env:prod", "2020-07-21T18:37:44+00:00")


def test_data_tells_how_whole_it_is(fleet: Person) -> None:
    found = json.loads(download(fleet, "/droplets.json"))

    assert found["complete"] is True
    assert found["read_at"].startswith("20")
    assert [(team["name"], team["complete"], team["droplets"], team["trouble"]) for team in found["teams"]] == [
        ("Acme Web", True, 2, None), ("Northwind", True, 1, None),
    ]  # fmt: skip
    web = found["droplets"][-1]
    assert (web["id"], web["memory_mb"], web["monthly_usd"], web["tags"]) == (11, 1024, 6.0, ["web", "env:prod"])


def test_an_inventory_has_hosts_and_groups(fleet: Person) -> None:
    text = download(fleet, "/droplets/ansible.yml")

    assert '    "web-1":\n      ansible_host: "203.0.113.1"\n' in text
    for group in ("team_acme_web", "team_northwind", "region_fra1", "status_off", "tag_env_prod"):
        assert f"    {group}:\n      hosts:\n" in text
    assert "new-1" not in text


def test_an_ssh_config_has_a_host_for_each_address(fleet: Person) -> None:
    text = download(fleet, "/droplets/ssh_config")

    assert "\n# web-1, Acme Web, fra1, active\nHost web-1\n  HostName 203.0.113.1\n" in text
    assert "Host db-1\n" in text
    assert "Host new-1" not in text


@pytest.mark.parametrize("address", ADDRESSES)
def test_it_holds_what_the_search_finds(fleet: Person, address: str) -> None:
    text = download(fleet, f"{address}?status=off&page=7")

    assert "db-1" in text
    assert "web-1" not in text


@pytest.mark.parametrize("address", ADDRESSES)
def test_it_is_a_file_with_a_name(fleet: Person, address: str) -> None:
    answer = fleet.client.get(address)

    assert re.fullmatch(
        r'attachment; filename="(droplets|inventory|conveyor_config)(-\d{4}-\d\d-\d\d)?(\.csv|\.json|\.yml)?"',
        answer["Content-Disposition"],
    )
    assert "no-store" in answer["Cache-Control"]


def test_it_is_written_while_it_is_sent(fleet: Person) -> None:
    fleet.sandbox.droplets("Acme Web", count=600)

    answer = fleet.client.get("/droplets.csv")

    assert isinstance(answer, StreamingHttpResponse)
    assert len(list(answer.streaming_content)) > 600


@pytest.mark.skipif(not shutil.which("ssh"), reason="there is no ssh here")
def test_openssh_reads_its_config(fleet: Person, tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(download(fleet, "/droplets/ssh_config"))

    told = subprocess.run(["ssh", "-G", "-F", file, "web-1"], capture_output=True, text=True, check=True)

    assert "hostname 203.0.113.1\n" in told.stdout


# Refuses


@pytest.mark.parametrize("address", ADDRESSES)
def test_it_requires_login(address: str, db: None) -> None:
    answer = Client().get(address)

    assert (answer.status_code, answer["Location"]) == (302, f"/accounts/login/?next={address}")


@pytest.mark.parametrize("address", ADDRESSES)
def test_it_takes_no_post_and_holds_nothing_of_others(fleet: Person, bob: Person, address: str) -> None:
    assert fleet.client.post(address).status_code == 405
    assert "web-1" not in download(bob, address)


# Handles


def test_a_sick_team_is_told_and_the_others_are_there(fleet: Person) -> None:
    fleet.sandbox.fault("status", path=LISTING, team="Northwind", status=500)

    found = json.loads(download(fleet, "/droplets.json"))

    assert found["complete"] is False
    assert [(team["complete"], team["trouble"]) for team in found["teams"]] == [
        (True, None), (False, "DigitalOcean is having trouble answering."),
    ]  # fmt: skip
    assert [droplet["id"] for droplet in found["droplets"]] == [12, 11]
    assert "-incomplete.csv" in fleet.client.get("/droplets.csv")["Content-Disposition"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_nobodys_fleet_is_an_empty_file(alice: Person, address: str) -> None:
    assert download(alice, address)
    assert json.loads(download(alice, "/droplets.json"))["droplets"] == []


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "＝1", "  =1", '=cmd|"/C calc"!A0'])
def test_no_cell_is_a_formula(fleet: Person, name: str) -> None:
    fleet.sandbox.droplets("Northwind", patch=[{"index": 0, "set": {"name": name, "tags": [name]}}])

    row = next(row for row in table(fleet) if row["id"] == "21")

    assert row["name"] == f"'{name.strip()}"
    assert row["tags"].startswith("'")


def test_numbers_stay_numbers() -> None:
    assert as_csv._safe(-1.5) == -1.5
    assert as_csv._safe("\tx") == "'\tx"


HOSTILE = [
    'a"\n  evil: true', "{{ lookup('pipe', 'id') }}", "%sveryone", "*", "!prod", "-oProxyCommand=id", "..", "", "日本",
    "a b", "Host evil", "\u202egnp", "x" * 255, "'; DROP TABLE", "!!python/object/apply:os.system", "a\\", "a: b # c",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_names(fleet: Person, name: str) -> None:
    some = {"name": name, "tags": [name], "/region/slug": name, "status": name, "/image": {"name": name}}
    fleet.sandbox.droplets("Northwind", patch=[{"index": 0, "set": some}])

    assert next(row for row in table(fleet) if row["id"] == "21")
    assert {droplet["id"] for droplet in json.loads(download(fleet, "/droplets.json"))["droplets"]} == {11, 12, 21}
    config = download(fleet, "/droplets/ssh_config")
    hosts = re.findall(r"^Host (.*)$", config, re.MULTILINE)
    assert len(hosts) == 2
    assert all(re.fullmatch(r"[A-Za-z0-9._][A-Za-z0-9._-]*", host) for host in hosts)
    assert all(re.match(r"#|Host |  HostName |$", line) for line in config.splitlines())
    inventory = download(fleet, "/droplets/ansible.yml")
    line = r'#.*|all:|  (hosts|children):|    "[A-Za-z0-9._-]+":|    [a-z0-9_]+:|      hosts:|        "[^"]+": \{\}'
    variable = r'      [a-z_]+: (\d+|"[0-9.]+"|!unsafe "(\\.|[^"\\])*"|\[(!unsafe "(\\.|[^"\\])*"(, )?)*\])'
    assert all(re.fullmatch(f"{line}|{variable}", each) for each in inventory.splitlines())


def test_names_that_several_have_are_told_apart_the_same_way_every_time(fleet: Person) -> None:
    fleet.sandbox.droplets("Northwind", patch=[{"index": 0, "set": {"name": "WEB-1"}}])

    hosts = [
        sorted(re.findall(r"^Host (.*)$", download(fleet, f"/droplets/ssh_config?sort={sort}"), re.MULTILINE))
        for sort in ("name", "-name")
    ]

    assert hosts == [["WEB-1-21", "web-1-11"]] * 2


@pytest.mark.parametrize("address", ["nonsense", "300.1.1.1", "203.0.113.1\nProxyCommand id", "-oProxyCommand=id"])
def test_what_is_no_address_is_no_host(fleet: Person, address: str) -> None:
    networks = {"v4": [{"ip_address": address, "type": "public"}], "v6": []}
    fleet.sandbox.droplets("Northwind", patch=[{"index": 0, "set": {"networks": networks}}])

    assert "db-1\n" not in download(fleet, "/droplets/ssh_config")
    assert "db-1" not in download(fleet, "/droplets/ansible.yml")
