from __future__ import annotations

import pytest

from common.pagination import page_of

ITEMS = list(range(120))


@pytest.mark.parametrize(("asked", "number"), [(1, 1), (2, 2), (3, 3), (4, 3), (999_999_999, 3), (0, 1), (-1, 1)])
def test_every_question_has_a_page(asked: int, number: int) -> None:
    assert page_of(ITEMS, asked, 50).number == number


def test_pages_are_as_long_as_they_are_asked_to_be() -> None:
    assert [len(page_of(ITEMS, number, 50)) for number in (1, 2, 3)] == [50, 50, 20]
    assert len(page_of(ITEMS, 1, 200)) == 120


def test_nothing_is_one_empty_page() -> None:
    assert list(page_of([], 3, 50)) == []
