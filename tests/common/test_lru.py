from __future__ import annotations

from common.lru import Shelf


def test_it_keeps_what_was_used_last() -> None:
    shelf: Shelf[str, str] = Shelf(most=10)
    for key in ("a", "b", "c"):
        shelf.put(key, key.upper(), 2)
    assert shelf.get("a") == "A"

    shelf.put("d", "D", 2)

    assert [shelf.get(key) for key in "abcd"] == ["A", None, "C", "D"]


def test_another_value_takes_the_place_of_the_first() -> None:
    shelf: Shelf[str, int] = Shelf(most=10)
    for value in range(50):
        shelf.put("a", value, 4)
    shelf.put("b", 1, 4)

    assert (shelf.get("a"), shelf.get("b")) == (49, 1)


def test_what_was_dropped_is_gone_and_makes_room() -> None:
    shelf: Shelf[str, int] = Shelf(most=10)
    shelf.put("a", 1, 8)

    shelf.drop("a")
    shelf.drop("a")
    shelf.put("b", 2, 4)
    shelf.put("c", 3, 4)

    assert [shelf.get(key) for key in "abc"] == [None, 2, 3]


def test_even_the_heaviest_is_held_alone() -> None:
    shelf: Shelf[str, int] = Shelf(most=10)
    shelf.put("a", 1, 1)

    shelf.put("b", 2, 1000)

    assert [shelf.get(key) for key in "ab"] == [None, 2]
