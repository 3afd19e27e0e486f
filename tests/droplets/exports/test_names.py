from __future__ import annotations

import keyword
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from droplets.exports.names import Names, address
from droplets.fleet.items import FleetItem
from tests.droplets.factories import TEAMS, item


def hosts(*items: FleetItem) -> list[str]:
    names = Names(items)
    return [names.host(each) for each in items]


def groups(*items: FleetItem) -> list[list[str]]:
    names = Names(items)
    return [names.groups(each) for each in items]


def tagged(id_: int, *tags: str) -> FleetItem:
    return item(id_, status="", tags=tags)


# Works


def test_a_host_is_called_as_its_droplet() -> None:
    assert hosts(item(1, "web-1"), item(2, "Web-2.fra1.acme.example")) == ["web-1", "Web-2.fra1.acme.example"]


def test_groups_are_what_a_droplet_belongs_to() -> None:
    web = item(1, region_slug="fra1", tags=("web", "env:prod", "backup-weekly"))

    assert groups(web, item(2, team=1, status="")) == [
        ["team_acme_web", "region_fra1", "status_active", "tag_web", "tag_env_prod", "tag_backup_weekly"],
        ["team_northwind"],
    ]


@pytest.mark.parametrize(
    ("fields", "reached"),
    [
        ({"public": ("203.0.113.1", "2001:db8::1"), "private": ("10.0.0.1",)}, "203.0.113.1"),
        ({"public": ("2001:db8::1",), "private": ("10.0.0.1",)}, "2001:db8::1"),
        ({"private": ("10.0.0.1",)}, "10.0.0.1"),
        ({}, ""),
    ],
)
def test_public_addresses_are_taken_before_private_ones(fields: dict[str, Any], reached: str) -> None:
    assert address(item(1, **fields)) == reached


# Handles


def test_droplets_of_one_name_end_in_their_ids_in_any_order() -> None:
    items = [item(11, "web"), item(21, "WEB", team=1), item(12, "db")]

    assert hosts(*items) == ["web-11", "WEB-21", "db"]
    assert hosts(*reversed(items)) == ["db", "WEB-21", "web-11"]


def test_a_name_that_ends_like_another_one_stays_with_whose_it_is() -> None:
    assert hosts(item(1, "web"), item(2, "web"), item(3, "web-1")) == ["web-1-2", "web-2", "web-1"]


def test_one_id_in_two_teams_is_two_hosts() -> None:
    assert hosts(item(1, "web"), item(1, "web", team=1)) == ["web-1", "web-1-2"]


@pytest.mark.parametrize("name", ["all", "Ungrouped", "localhost", "LOCALHOST", "127.0.0.1", "42", "...", "-", "日本"])
def test_what_is_no_name_of_its_own_becomes_one(name: str) -> None:
    assert hosts(item(7, name)) == ["droplet-7"]


@pytest.mark.parametrize(
    ("name", "host"),
    [("a b", "a-b"), ("-oProxyCommand=id", "oProxyCommand-id"), ("*.web", "web"), ("web_1", "web-1"), ("a\nb", "a-b")],
)
def test_a_name_is_made_fit(name: str, host: str) -> None:
    assert hosts(item(7, name)) == [host]


def test_two_teams_of_one_name_are_two_groups() -> None:
    other = msgspec.structs.replace(TEAMS[0], key="other", name="Acme-Web")

    (first,), (second,) = groups(tagged(1), FleetItem(tagged(2).droplet, other))

    assert first != second
    assert first.startswith("team_acme_web_")
    assert second.startswith("team_acme_web_")


def test_tags_that_would_be_one_group_are_two_in_any_order() -> None:
    items = [tagged(1, "env:prod"), tagged(2, "env-prod"), tagged(3, "web")]

    found = groups(*items)

    assert found[0][1] != found[1][1]
    assert found[2][1] == "tag_web"
    assert groups(*reversed(items)) == found[::-1]


def test_tags_that_differ_in_capitals_are_one_group() -> None:
    assert groups(tagged(1, "Prod"), tagged(2, "prod", "PROD")) == [["team_acme_web", "tag_prod"]] * 2


@pytest.mark.parametrize(
    ("tag", "group"), [("日本", "tag_日本"), ("!!!", "tag_other"), ("7", "tag_7"), ("é ² कि", "tag_é_क"), ("", None)]
)
def test_a_group_is_an_identifier(tag: str, group: str | None) -> None:
    assert groups(tagged(1, tag)) == [["team_acme_web", *([group] if group else [])]]


@settings(deadline=None)
@given(st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8)), max_size=8))
def test_whatever_they_are_called_hosts_and_groups_are_distinct(texts: list[tuple[str, str]]) -> None:
    items = [item(id_, name, tags=(tag,)) for id_, (name, tag) in enumerate(texts, 1)]

    named, grouped = hosts(*items), groups(*items)

    every_group = {group for some in grouped for group in some}
    assert len({name.lower() for name in named}) == len(items)
    assert not every_group & {name.lower() for name in named}
    assert all(group.isidentifier() and not keyword.iskeyword(group) for group in every_group)
    assert len([group for group in every_group if group.startswith("tag_")]) == len(
        {tag.lower() for _, tag in texts if tag}
    )
