"""What 10,000 droplets cost compared with 100, in one team each, all cached.

The default view, and views with filters or a search, each time another one: the whole page over HTTP, as the median of
some pages. Filters and searches are compared with a minimal program that only decodes the same 10,000 rows from
msgpack and sorts them by name, in natural order. Queries, and the bytes of a fleet in the cache, are counted in the
process that measures, which serves the same pages for that.
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
from tests.bench.stage import Incomplete, Stage, Visitor

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
    rows = [item.droplet for item in fleet_service.read_fleet(many.person.user, wait=True).items]
    packed = msgspec.msgpack.encode(rows)
    filters, searches = _filters(), _searches(rows)
    with ExitStack() as stack:
        port = stack.enter_context(stage.server())
        small = stack.enter_context(Browser(port, few.session))
        large = stack.enter_context(Browser(port, many.session))
        for browser, visitor in ((small, few), (large, many)):
            stage.checked(browser.get(), visitor.teams)
        if not _A_DROPLET.search(large.get().body) or _A_DROPLET.search(large.get(_query(NOBODY)).body):
            raise Incomplete("the search finds nothing, or more than it should")
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
        compared("Default view of 10,000 droplets, vs. 100", found["many"], found["few"], most=1.5),
        compared("10,000 filtered, vs. decoding and sorting only", found["filtered"], found["bare"], most=3),
        compared("10,000 searched, vs. decoding and sorting only", found["searched"], found["bare"], most=3),
    ]


def _query(words: str) -> str:
    return f"/droplets/?q={words}"


def _filters() -> Iterator[str]:
    """All filters by status and region, then again with another page size."""
    for size, status, region in cycle(product((50, 100, 200), ("active", "off"), SLUGS)):
        yield f"/droplets/?status={status}&region={region}&per_page={size}"


def _searches(rows: Sequence[DropletSummary]) -> Iterator[str]:
    """The beginning of a name with a number: finds something, and no search is repeated."""
    words = sorted({row.name.partition("-")[0] for row in rows})
    return (_query(f"{word}+{number}") for number, word in product(range(100), words))


def _median(one: Callable[[], float]) -> float:
    return median(one() for _ in range(AT_A_TIME))


def _decode_and_sort(packed: bytes) -> float:
    start = perf_counter()
    sorted(msgspec.msgpack.decode(packed, type=list[DropletSummary]), key=by_name)
    return perf_counter() - start


def _size(stage: Stage, many: Visitor) -> Result:
    """The bytes that a fleet takes in the cache of this process; in Redis it is the same."""
    cache.clear()
    fleet_service.read_fleet(many.person.user, wait=True)
    size = sum(len(value) for each in locmem._caches.values() for value in each.values())
    each = size / stage.droplets(*many.teams)
    return Result(
        what="Cached bytes per droplet",
        bound="≤ 400",
        found=f"{each:.0f}",
        met=0 < each <= 400,
        basis=f"{size:,} bytes for {stage.droplets(*many.teams):,} droplets",
    )


def _queries(stage: Stage, few: Visitor, many: Visitor, teams: Visitor) -> list[Result]:
    """Queries of a first page and of a cached page, for 100 droplets, 10,000 droplets, and 30 connections."""
    found: dict[str, list[int]] = {}
    for visitor in (few, many, teams):
        cache.clear()  # nothing is cached, and the session's activity is to be stored, once a minute
        for page in ("first", "cached"):
            with CaptureQueriesContext(database) as queries:
                answer = visitor.client.get("/droplets/")
            if f"{stage.droplets(*visitor.teams):,}" not in answer.content.decode():
                raise Incomplete(f"a {page} page of {len(visitor.teams)} teams, to count its queries")
            found.setdefault(page, []).append(len(queries))
    return [
        Result(
            what=f"Queries of a {page} page: 100 droplets, 10,000, 30 connections",
            bound="all equal",
            found=", ".join(map(str, counts)),
            met=len(set(counts)) == 1,
        )
        for page, counts in found.items()
    ]
