"""What 10,000 droplets cost where 100 cost little, in one team each, all read already.

The default view, and views that are filtered or searched, each time in another way: the whole page over HTTP, the
median of some at a time. The latter are held against a bare decode of the same 10,000 rows from msgpack and their
sorting by name, in natural order, in a process that does nothing else. Queries, and the bytes that a reading takes in
the cache, are counted in the process that measures, which serves the same pages for that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import cycle, product
from statistics import median
from time import perf_counter

import msgspec
from django.core.cache import cache
from django.core.cache.backends import locmem
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from droplets.fleet import service as fleet_service
from droplets.fleet.summary import DropletSummary, by_name
from sandbox.fleet.regions import SLUGS
from tests.bench.browser import Browser
from tests.bench.results import Result, compared
from tests.bench.rounds import ROUNDS, in_turns
from tests.bench.stage import NotWhole, Stage, Visitor

FEW, MANY, TEAMS = 100, 10_000, 30
AT_A_TIME = 5
NOBODY = "nothing-is-called-like-this"
_A_DROPLET = re.compile(r'href="/droplets/[0-9a-f-]{36}/[0-9]+/"')


def measure(stage: Stage) -> list[Result]:
    few_team, many_team, *others = stage.others[1:]
    stage.resize(few_team, FEW)
    stage.resize(many_team, MANY)
    return [
        *_pages(stage, stage.visitor(few_team), stage.visitor(many_team)),
        _size(stage, stage.visitor(many_team)),
        *_queries(stage, stage.visitor(few_team), stage.visitor(many_team), stage.visitor(*others[:TEAMS])),
    ]


def _pages(stage: Stage, few: Visitor, many: Visitor) -> list[Result]:
    rows = [item.row for item in fleet_service.read_fleet(many.person.user, wait=True).items]
    packed = msgspec.msgpack.encode(rows)
    filters, searches = _filters(), _searches(rows)
    with ExitStack() as stack:
        port = stack.enter_context(stage.server())
        small = stack.enter_context(Browser(port, few.session))
        large = stack.enter_context(Browser(port, many.session))
        for browser, visitor in ((small, few), (large, many)):
            stage.whole(browser.get(), visitor.teams)
        if not _A_DROPLET.search(large.get().body) or _A_DROPLET.search(large.get(_query(NOBODY)).body):
            raise NotWhole("the page does not find what is asked for, and that alone")
        found = in_turns(
            "100 and 10,000 droplets",
            {
                "few": lambda turn: _median(lambda: small.get().seconds),
                "many": lambda turn: _median(lambda: large.get().seconds),
                "filtered": lambda turn: _median(lambda: large.get(next(filters)).seconds),
                "searched": lambda turn: _median(lambda: large.get(next(searches)).seconds),
                "bare": lambda turn: _median(lambda: _decode_and_sort(packed)),
            },
            2 * ROUNDS,
        )
    return [
        compared("Default view of 10,000 droplets, against one of 100", found["many"], found["few"], most=1.5),
        compared("10,000 filtered, against a bare decode and sort", found["filtered"], found["bare"], most=3),
        compared("10,000 searched, against a bare decode and sort", found["searched"], found["bare"], most=3),
    ]


def _query(words: str) -> str:
    return f"/droplets/?q={words}"


def _filters() -> Iterator[str]:
    """Every other way to filter by status and region, then again with another page size."""
    for size, status, region in cycle(product((50, 100, 200), ("active", "off"), SLUGS)):
        yield f"/droplets/?status={status}&region={region}&per_page={size}"


def _searches(rows: Sequence[DropletSummary]) -> Iterator[str]:
    """What names begin with together with a number, so that something is found and nothing is asked for twice."""
    words = sorted({row.name.partition("-")[0] for row in rows})
    return (_query(f"{word}+{number}") for number, word in product(range(100), words))


def _median(one: Callable[[], float]) -> float:
    return median(one() for _ in range(AT_A_TIME))


def _decode_and_sort(packed: bytes) -> float:
    start = perf_counter()
    sorted(msgspec.msgpack.decode(packed, type=list[DropletSummary]), key=by_name)
    return perf_counter() - start


def _size(stage: Stage, many: Visitor) -> Result:
    """What a first reading leaves in the cache of this process, as it would in Redis."""
    cache.clear()
    fleet_service.read_fleet(many.person.user, wait=True)
    kept = sum(len(value) for each in locmem._caches.values() for value in each.values())
    each = kept / stage.droplets(*many.teams)
    return Result(
        what="Cached bytes per droplet",
        bound="≤ 400",
        found=f"{each:.0f}",
        held=0 < each <= 400,
        basis=f"{kept:,} bytes for {stage.droplets(*many.teams):,} droplets",
    )


def _queries(stage: Stage, few: Visitor, many: Visitor, teams: Visitor) -> list[Result]:
    """Of a first page and of a warm one, for 100 droplets, for 10,000, and for 30 connections."""
    found: dict[str, list[int]] = {}
    for visitor in (few, many, teams):
        for page in ("first", "warm"):
            with CaptureQueriesContext(database) as queries:
                answer = visitor.client.get("/droplets/")
            if f"{stage.droplets(*visitor.teams):,}" not in answer.content.decode():
                raise NotWhole(f"a {page} page of {len(visitor.teams)} teams, to count its queries")
            found.setdefault(page, []).append(len(queries))
    return [
        Result(
            what=f"Queries of a {page} page: 100 droplets, 10,000, 30 connections",
            bound="all the same",
            found=", ".join(map(str, counts)),
            held=len(set(counts)) == 1,
        )
        for page, counts in found.items()
    ]
