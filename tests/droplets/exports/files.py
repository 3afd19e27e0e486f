"""Exports as the programs that they are for read them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import yaml

from droplets.fleet.items import FleetItem
from droplets.fleet.service import Fleet

READ_AT = datetime(2026, 11, 24, 13, 5, tzinfo=UTC)


def fleet_of(items: Sequence[FleetItem]) -> Fleet:
    """A complete fleet of these items, without sources."""
    fleet = Fleet(sources=(), team_count=0, known_count=0, read_at=READ_AT, version="", reload_after=0.0)
    fleet.__dict__["items"] = tuple(items)
    return fleet


def table(text: str) -> list[dict[str, str]]:
    """The lines of a CSV file by column."""
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True))


class Unsafe(str):
    """A text that Ansible is told not to evaluate."""


class _Loader(yaml.SafeLoader):
    """Knows Ansible's `!unsafe`, and takes no key twice, which YAML does not allow and PyYAML does."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]  # type: ignore[no-untyped-call]
        assert len(set(keys)) == len(keys), keys
        return super().construct_mapping(node, deep=True)


_Loader.add_constructor("!unsafe", lambda loader, node: Unsafe(node.value))


class Inventory:
    """`hosts` has the variables of each host, `groups` the hosts of each group."""

    def __init__(self, text: str) -> None:
        found = yaml.load(text, _Loader)
        assert list(found) == ["all"]
        assert list(found["all"]) == ["hosts", "children"]
        self.hosts: dict[str, dict[str, Any]] = found["all"]["hosts"] or {}
        self.groups: dict[str, list[str]] = {}
        for name, group in (found["all"]["children"] or {}).items():
            assert list(group) == ["hosts"]
            self.groups[name] = list(group["hosts"])


def ssh_hosts(text: str) -> dict[str, str]:
    """The address of each host in an SSH configuration that has nothing else in it but comments and empty lines."""
    lines = [line for line in text.split("\n") if line.strip() and not line.lstrip().startswith("#")]
    hosts, addresses = _after("Host ", lines[::2]), _after("  HostName ", lines[1::2])
    assert len(set(hosts)) == len(hosts) == len(addresses)
    return dict(zip(hosts, addresses, strict=True))


def _after(keyword: str, lines: Iterable[str]) -> list[str]:
    lines = list(lines)
    assert all(line.startswith(keyword) for line in lines), lines
    return [line.removeprefix(keyword) for line in lines]
