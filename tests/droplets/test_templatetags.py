from __future__ import annotations

import pytest

from digitalocean_client.schema import Disk, Quantity
from droplets.templatetags import droplets as tags


@pytest.mark.parametrize(
    ("dollars", "text"),
    [
        (0.07143, "$0.07143"),
        (0.00743999984115362, "$0.00744"),
        (0.03, "$0.03"),
        (0.1, "$0.10"),
        (3.39, "$3.39"),
        (24, "$24.00"),
        (0.0, "$0.00"),
        (1e-7, "$0.00"),
        (None, ""),
    ],
)
def test_hourly_prices_have_the_digits_that_matter(dollars: float | None, text: str) -> None:
    assert tags.hourly(dollars) == text


@pytest.mark.parametrize(
    ("amount", "unit", "text"),
    [(80, "gib", "80 GB"), (5120, "GIB", "5 TB"), (7, "furlong", "7 furlong"), (7, None, "7"), (None, "gib", "")],
)
def test_quantities_have_a_unit(amount: int | None, unit: str | None, text: str) -> None:
    assert tags.quantity(Quantity(amount, unit or None)) == text
    assert tags.quantity(None) == ""


def test_disks_are_named_by_size_and_kind() -> None:
    assert tags.disk_name(Disk("scratch", Quantity(5120, "gib"))) == "5 TB scratch"
    assert tags.disk_name(Disk()) == ""


def test_slugs_are_read_as_words() -> None:
    assert tags.words("private_networking") == "private networking"


@pytest.mark.parametrize(
    ("addresses", "words"),
    [
        (["0.0.0.0/0", "::/0"], "anywhere"),
        (["203.0.113.5", "0.0.0.0/0"], "anywhere (0.0.0.0/0), 203.0.113.5"),
        (["0.0.0.0/0", "2001:db8::/32"], "anywhere (0.0.0.0/0), 2001:db8::/32"),
        (["10.0.0.0/8"], "10.0.0.0/8"),
        ([], "nowhere"),
    ],
)
def test_a_rule_says_all_that_it_lets_through(addresses: list[str], words: str) -> None:
    assert tags.ends({"addresses": addresses}) == words
