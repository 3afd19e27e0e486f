"""Things that happen at the same time: threads with database connections of their own, and tabs of one browser."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connections

from tests.support.person import Person

T = TypeVar("T")


def at_once(*doings: Callable[[], T]) -> list[T]:
    """Do these side by side; returns what they return, in their order. For tests with `transaction=True`."""
    start = threading.Barrier(len(doings))

    def run(do: Callable[[], T]) -> T:
        try:
            start.wait(10)
            return do()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(doings)) as pool:
        return [future.result(60) for future in [pool.submit(run, do) for do in doings]]


def tab(person: Person) -> Person:
    """Another tab of the same browser."""
    other = Person(person.sandbox, person.email, person.digitalocean)
    other.client.cookies.update(person.client.cookies)
    return other
