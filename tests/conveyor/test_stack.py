"""The workaround for CPython's gh-142183. The first test is skipped on a Python that does not need it."""

from __future__ import annotations

from resource import RUSAGE_THREAD, getrusage
from threading import Thread

import pytest

from conveyor.stack import in_one_piece

ROUNDS, DEPTHS = 1_000, range(0, 400)


def leaf(a: int = 1, b: int = 2, c: int = 3, d: int = 4, e: int = 5, f: int = 6, g: int = 7, h: int = 8) -> None:
    """A frame that is larger than what is left at a boundary."""


def pages_touched(depth: int) -> int:
    """How often memory had to be had from the system for a loop of calls, this deep."""
    if depth:
        return pages_touched(depth - 1)
    before = getrusage(RUSAGE_THREAD).ru_minflt
    for _ in range(ROUNDS):
        leaf()
    return getrusage(RUSAGE_THREAD).ru_minflt - before


def at_worst() -> int:
    return max(pages_touched(depth) for depth in DEPTHS)


def test_no_loop_crosses_a_boundary_at_any_depth() -> None:
    found: dict[str, int] = {}

    def measure() -> None:
        found["plain"] = at_worst()
        found["in one piece"] = in_one_piece(at_worst)()

    thread = Thread(target=measure)  # whose frames begin where a request's do
    thread.start()
    thread.join()

    if found["plain"] < ROUNDS:
        pytest.skip("this Python keeps its chunks")
    assert found["in one piece"] < ROUNDS / 10


def test_it_is_the_same_callable() -> None:
    @in_one_piece
    def divide(a: int, *, by: int) -> float:
        return a / by

    assert divide(6, by=3) == 2
    with pytest.raises(ZeroDivisionError):
        divide(6, by=0)
