from __future__ import annotations

from collections.abc import Iterator
from csv import reader
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from droplets.exports import csv
from droplets.fleet.items import FleetItem
from tests.droplets.exports.files import table
from tests.droplets.factories import TEAMS, item


def written(*items: FleetItem) -> str:
    return "".join(csv.lines(items))


# Works


def test_each_droplet_is_a_line_under_a_head() -> None:
    web = item(
        11, "web-1", locked=True, region="Frankfurt", region_slug="fra1", size_slug="s-1", vcpus=1, memory=1024,
        disk=25, image="Ubuntu 24.04", public=("203.0.113.1", "2001:db8::1"), private=("10.0.0.1",),
        tags=("web", "env:prod"), monthly=6.5, created_at=datetime(2020, 7, 21, 18, 37, 44, tzinfo=UTC),
    )  # fmt: skip

    assert table(written(web, item(12))) == [
        {
            "team": "Acme Web", "team_uuid": "acme", "id": "11", "name": "web-1", "status": "active", "locked": "true",
            "region": "Frankfurt", "region_slug": "fra1", "size_slug": "s-1", "vcpus": "1", "memory_mb": "1024",
            "disk_gb": "25", "image": "Ubuntu 24.04", "public_addresses": "203.0.113.1 2001:db8::1",
            "private_addresses": "10.0.0.1", "tags": "web env:prod", "monthly_usd": "6.5",
            "created_at": "2020-07-21T18:37:44+00:00",
        },
        dict.fromkeys(csv.COLUMNS, "")
        | {"team": "Acme Web", "team_uuid": "acme", "id": "12", "name": "droplet-12", "status": "active",
           "locked": "false"},
    ]  # fmt: skip


def test_it_is_as_rfc_4180_says() -> None:
    text = written(item(1, 'a "b", c\nd'))

    assert text.startswith("\ufeffteam,team_uuid,id,")
    assert text.endswith("\r\n")
    assert ',1,"a ""b"", c\nd",active,' in text


def test_it_is_written_as_it_is_read() -> None:
    taken: list[FleetItem] = []

    def items() -> Iterator[FleetItem]:
        for each in (item(1), item(2), item(3)):
            taken.append(each)
            yield each

    lines = csv.lines(items())

    assert (next(lines), taken) == ("\ufeff" + ",".join(csv.COLUMNS) + "\r\n", [])
    next(lines)
    assert len(taken) == 1


# Handles


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠A1", "  =1", '=cmd|"/C calc"!A0'],
)
def test_no_cell_is_a_formula(text: str) -> None:
    team = msgspec.structs.replace(TEAMS[0], name=text)
    row = item(1, text, status=text, image=text, region=text, region_slug=text, size_slug=text, tags=(text,)).droplet

    (found,) = table(written(FleetItem(row, team)))

    for column in ("team", "name", "status", "image", "region", "region_slug", "size_slug", "tags"):
        assert found[column] == f"'{text}", column


def test_numbers_stay_numbers() -> None:
    (found,) = table(written(item(1, monthly=-1.5)))

    assert found["monthly_usd"] == "-1.5"


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8")))
def test_any_name_comes_back_as_it_was(name: str) -> None:
    (found,) = table(written(item(1, name)))

    # Apostrophes keep a spreadsheet from reading a formula, at the start and behind each semicolon.
    assert found["name"].replace("'", "") == (name or "droplet-1").replace("'", "")


def test_no_droplets_are_a_head() -> None:
    assert table(written()) == []


@pytest.mark.parametrize("text", ["x;=1+1", "x; =1", "a;b;@SUM(A1)", 'a;"=1+1;b'])
def test_nor_where_a_semicolon_begins_one(text: str) -> None:
    lines = written(item(1, text)).lstrip("\ufeff").splitlines()

    cells = [cell for row in reader(lines, delimiter=";") for cell in row]

    assert len(cells) > 2
    assert not any(cell.lstrip(" ").startswith(("=", "@")) for cell in cells)
