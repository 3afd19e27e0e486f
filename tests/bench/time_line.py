"""`python -m tests.bench.time_line`: the time line with 100,000 changes against 100, in the database of DATABASE_URL.

Prints the median time of the queries of a page for each filter. It writes into the database (which `migrate` has set
up) in one transaction and rolls that back.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from statistics import median
from time import perf_counter
from typing import Any

import django

import tests.support.environment  # noqa: F401  # sets the keys, ignores a developer's .env

FEW, MANY = 100, 100_000
ROUNDS = 31
SEARCHES = {
    "everything": {},
    "text, found": {"q": "web-77"},
    "text, nothing found": {"q": "no-such-text"},
    "kind, rare": {"kind": "renamed"},
    "kind, none": {"kind": "price"},
    "droplet": {"droplet": "web-5"},
    "person, none": {"person": "me"},
    "through Conveyor": {"person": "conveyor"},
    "outside Conveyor": {"person": "outside"},
    "days": {"first": "2026-01-03", "last": "2026-01-03"},
}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "conveyor.settings")
    django.setup()
    from django.core.management import call_command
    from django.db import connection, transaction

    call_command("migrate", verbosity=0)
    with transaction.atomic():
        _fill("few", FEW)
        _fill("many", MANY)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        print(f"{connection.vendor}: median of {ROUNDS}, ms")
        print(f"{'':24}{FEW:>10,}{MANY:>10,}")
        for name, query in SEARCHES.items():
            found = [_measured(team, query) for team in ("few", "many")]
            print(f"{name:24}" + "".join(f"{1000 * each:10.2f}" for each in found))
        transaction.set_rollback(True)


def _fill(team: str, count: int) -> None:
    from droplets.models import Change

    Change.objects.bulk_create(_changes(team, count), batch_size=2_000)


def _changes(team: str, count: int) -> Iterator[Any]:
    from uuid import UUID

    from django.utils.dateparse import parse_datetime

    from droplets.models import Change

    began = parse_datetime("2026-01-01T00:00:00Z")
    assert began
    for number in range(count):
        at = began + timedelta(seconds=300 * number)
        kind = Change.Kind.RENAMED if number % 1000 == 7 else Change.Kind.TAGS if number % 3 else Change.Kind.POWERED_ON
        yield Change(
            team_key=team,
            team_name=team,
            droplet_id=number % 500,
            droplet_name=f"web-{number % 500}",
            kind=kind,
            before="blue, prod",
            after=f"green, prod, v{number}",
            since=at - timedelta(minutes=5),
            at=at,
            action_id=UUID(int=number) if number % 4 == 0 else None,
        )


def _measured(team: str, query: dict[str, str]) -> float:
    from accounts.models import User
    from droplets.changes.search import ChangeSearch, Timeline

    timeline = Timeline(User(pk=0))
    timeline.teams = {team: None}  # type: ignore[dict-item]  # the queries need the keys only
    search = ChangeSearch.from_query(query)
    times = []
    for _ in range(ROUNDS):
        start = perf_counter()
        timeline.page(search)
        times.append(perf_counter() - start)
    return median(times)


if __name__ == "__main__":
    main()
