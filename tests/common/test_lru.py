from __future__ import annotations

from common.lru import WeightedCache


def test_it_holds_what_was_used_last() -> None:
    cache: WeightedCache[str, str] = WeightedCache(capacity=10)
    for key in ("a", "b", "c"):
        cache.set(key, key.upper(), 2)
    assert cache.get("a") == "A"

    cache.set("d", "D", 2)

    assert [cache.get(key) for key in "abcd"] == ["A", None, "C", "D"]


def test_another_value_replaces_the_first() -> None:
    cache: WeightedCache[str, int] = WeightedCache(capacity=10)
    for value in range(50):
        cache.set("a", value, 4)
    cache.set("b", 1, 4)

    assert (cache.get("a"), cache.get("b")) == (49, 1)


def test_what_was_deleted_is_gone_and_makes_room() -> None:
    cache: WeightedCache[str, int] = WeightedCache(capacity=10)
    cache.set("a", 1, 8)

    cache.delete("a")
    cache.delete("a")
    cache.set("b", 2, 4)
    cache.set("c", 3, 4)

    assert [cache.get(key) for key in "abc"] == [None, 2, 3]


def test_even_the_heaviest_is_held_alone() -> None:
    cache: WeightedCache[str, int] = WeightedCache(capacity=10)
    cache.set("a", 1, 1)

    cache.set("b", 2, 1000)
    assert [cache.get(key) for key in "ab"] == [None, 2]

    cache.set("c", 3, 1)
    assert [cache.get(key) for key in "bc"] == [None, 3]
