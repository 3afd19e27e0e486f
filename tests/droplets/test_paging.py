from __future__ import annotations

import pytest

from droplets.paging import page_of

ITEMS = list(range(120))


@pytest.mark.parametrize(
    ("asked", "number"),
    [
        ("1", 1),
        ("2", 2),
        ("03", 3),
        ("", 1),
        ("0", 1),
        ("-1", 1),
        ("1.5", 1),
        ("two", 1),
        ("²", 1),
        ("٣", 1),
        ("2; DROP TABLE", 1),
        ("4", 3),
        ("9" * 5000, 3),
    ],
)
def test_every_question_has_a_page(asked: str, number: int) -> None:
    assert page_of(ITEMS, asked).number == number


def test_pages_hold_fifty() -> None:
    assert [len(page_of(ITEMS, str(number))) for number in (1, 2, 3)] == [50, 50, 20]


def test_an_empty_list_has_one_page() -> None:
    assert list(page_of([], "7")) == []
