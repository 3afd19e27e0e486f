from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from droplets.exports import ssh
from droplets.fleet.items import FleetItem
from tests.droplets.exports.files import fleet_of, ssh_hosts
from tests.droplets.factories import TEAMS, item

HOSTILE = (
    "web\nHost *\n  ProxyCommand id", "a\rb", "*", "!prod", "web-?", "-oProxyCommand=id", "%h", '"quoted"', "$(id)",
    "`id`", "#", "=", "日本", "\u202egnp", "\u2028", "x" * 255, "localhost", "203.0.113.9", "",
)  # fmt: skip


def written(*items: FleetItem) -> str:
    return "".join(ssh.lines(fleet_of(items), items))


def understood(file: Path, host: str) -> dict[str, str]:
    """What OpenSSH would do for `ssh host`, by keyword."""
    told = subprocess.run(["ssh", "-G", "-F", file, host], capture_output=True, text=True, check=True)
    return dict(line.split(" ", 1) for line in told.stdout.splitlines() if " " in line)


# Works


def test_each_droplet_is_a_host_with_its_address() -> None:
    text = written(
        item(11, "web-1", region_slug="fra1", public=("203.0.113.1", "2001:db8::1"), private=("10.0.0.1",)),
        item(12, "web-2", team=1, public=("2001:db8::2",), private=("10.0.0.2",)),
        item(13, "db-1", team=2, private=("10.0.0.3",)),
    )

    assert ssh_hosts(text) == {
        "web-1.acme-web": "203.0.113.1", "web-2.northwind": "2001:db8::2", "db-1.side-projects": "10.0.0.3"
    }  # fmt: skip
    assert "\n# web-1, Acme Web, fra1, active\nHost web-1.acme-web\n" in text


def test_it_says_how_to_include_it_and_of_when_it_is() -> None:
    text = written()

    assert "#   Include ~/.ssh/conveyor_config\n" in text
    assert "\n# As of 2026-11-24 13:05 UTC.\n" in text


@pytest.mark.skipif(not shutil.which("ssh"), reason="there is no ssh here")
def test_openssh_takes_all_of_it_however_droplets_are_called(tmp_path: Path) -> None:
    file = tmp_path / "conveyor_config"
    file.write_text(written(*(item(n, name, public=(f"203.0.113.{n}",)) for n, name in enumerate(HOSTILE, 1))))

    addresses = ssh_hosts(file.read_text())

    assert len(addresses) == len(HOSTILE)
    for host, address in addresses.items():
        assert understood(file, host)["hostname"] == address
    elsewhere = understood(file, "elsewhere.example")
    assert elsewhere["hostname"] == "elsewhere.example"
    assert "proxycommand" not in elsewhere


@pytest.mark.skipif(not shutil.which("ssh") or not shutil.which("sed"), reason="there is no ssh or no sed here")
def test_the_user_is_for_the_person_to_say(tmp_path: Path) -> None:
    file = tmp_path / "conveyor_config"
    file.write_text(written(item(1, "web-1", public=("203.0.113.1",))))
    (script,) = re.findall(r"sed -i.bak '(.*)'", file.read_text())
    said = tmp_path / "said"

    said.write_text(subprocess.run(["sed", script, file], capture_output=True, text=True, check=True).stdout)

    assert "\n  User root\n" in said.read_text()
    assert understood(said, "web-1.acme-web")["user"] == "root"
    assert understood(said, "elsewhere.example")["user"] == understood(file, "web-1")["user"]


# Refuses


@pytest.mark.skipif(not shutil.which("ssh"), reason="there is no ssh here")
def test_a_droplet_is_not_taken_for_a_host_on_the_internet(tmp_path: Path) -> None:
    file = tmp_path / "conveyor_config"
    file.write_text(written(item(1, "github.com", public=("203.0.113.1",))))

    assert ssh_hosts(file.read_text()) == {"github.com.acme-web": "203.0.113.1"}
    assert understood(file, "github.com")["hostname"] == "github.com"


# Handles


def test_droplets_of_one_name_have_hosts_of_their_own() -> None:
    web = [item(1, "web", public=("::1",)), item(2, "web", public=("::2",)), item(3, "web", team=1, public=("::3",))]
    acme = msgspec.structs.replace(TEAMS[2], name="ACME.web!")  # other characters make the same words of it

    hosts = ssh_hosts(written(*web, FleetItem(item(1, "web", public=("::4",)).droplet, acme)))

    assert hosts == {
        "web-1.acme-web": "::1", "web-2.acme-web": "::2", "web.northwind": "::3", "web-1-2.acme-web": "::4"
    }  # fmt: skip


def test_a_droplet_without_an_address_is_in_a_comment() -> None:
    text = written(item(1, "new\nHost *"))

    assert ssh_hosts(text) == {}
    assert text.endswith("\n# Left out, because they have no address:\n#   new Host *, Acme Web\n")


@pytest.mark.parametrize(
    "address",
    ["nonsense", "300.1.1.1", "203.0.113.1\nProxyCommand id", "-oProxyCommand=id", "fe80::1%eth0", "fe80::1%x\nHost *"],
)
def test_what_is_no_address_is_none(address: str) -> None:
    text = written(item(1, "web-1", public=(address, "203.0.113.7")), item(2, "web-2", public=(address,)))

    assert ssh_hosts(text) == {"web-1.acme-web": "203.0.113.7"}


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8")))
def test_nothing_begins_a_line_of_its_own(text: str) -> None:
    team = msgspec.structs.replace(TEAMS[0], name=text)
    droplet = item(1, text, status=text, region_slug=text, public=("203.0.113.1",)).droplet

    (host,) = ssh_hosts(written(FleetItem(droplet, team), FleetItem(item(2, text).droplet, team)))

    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]*", host)
