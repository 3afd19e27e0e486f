"""Rounds: what is compared takes turns, so that other load on the machine affects all of it equally."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping

from tqdm import tqdm

ROUNDS = 5


def rounds(title: str, number: int = ROUNDS) -> Iterator[int]:
    """Yields 0, 1, …, with a progress bar on standard error."""
    yield from tqdm(range(number), desc=title, leave=False, disable=None, file=sys.stderr)


def in_turns(title: str, things: Mapping[str, Callable[[int], float]], number: int = ROUNDS) -> dict[str, list[float]]:
    """Call each with the number of the round, in this order and in reverse order by turns. Returns the results."""
    found: dict[str, list[float]] = {name: [] for name in things}
    for turn in rounds(title, number):
        order = list(things.items())
        for name, thing in reversed(order) if turn % 2 else order:
            found[name].append(thing(turn))
    return found
