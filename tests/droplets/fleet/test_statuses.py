from __future__ import annotations

import pytest

from droplets.fleet.statuses import order, status_of


@pytest.mark.parametrize(
    ("slug", "label", "badge"),
    [
        ("active", "Active", "ok"),
        ("off", "Off", "off"),
        ("new", "New", "info"),
        ("archive", "Archived", "warn"),
        ("being_moved", "Being moved", "off"),
        ("", "Unknown", "off"),
    ],
)
def test_every_status_has_a_label_and_a_badge(slug: str, label: str, badge: str) -> None:
    status = status_of(slug)

    assert (status.label, status.badge) == (label, badge)


def test_documented_statuses_come_first() -> None:
    slugs = ["zombie", "archive", "adrift", "new", "off", "active"]

    found = sorted(map(status_of, slugs), key=order)

    assert [status.slug for status in found] == ["active", "off", "new", "archive", "adrift", "zombie"]
