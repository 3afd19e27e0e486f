"""One team's DigitalOcean accepts the call and never answers; all other calls take 100 ms.

A user who has that team and two others opens the first page. It must show the two others at its deadline (the setting
PAGE_DEADLINE). While it waits, a new user without that team opens a first page, and another user opens a cached page
up to ten times. Both are compared with the same pages without the hang, shortly before or after.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from statistics import median

from django.conf import settings

from tests.bench.browser import Browser
from tests.bench.results import Result, compared
from tests.bench.rounds import ROUNDS, rounds
from tests.bench.stage import Incomplete, Stage
from tests.support.waiting import wait_until

PAGES, FEWEST = 10, 3
"""Cached pages in a row; with a first page they take less than the deadline if the machine is not busy."""


def measure(stage: Stage) -> list[Result]:
    sick, (first, second, _) = stage.others[0], stage.three
    waiting = stage.visitors(ROUNDS, first, second, sick)
    newcomers = stage.visitors(2 * ROUNDS, *stage.three)
    regular = stage.visitor(*stage.three)
    found: dict[str, list[float]] = {"page": [], "warm": [], "first": [], "warm quiet": [], "first quiet": []}
    with ExitStack() as stack:
        port = stack.enter_context(stage.server())
        pool = stack.enter_context(ThreadPoolExecutor(1))
        browse = [stack.enter_context(Browser(port, visitor.session)) for visitor in newcomers]
        stack.enter_context(stage.latency())
        warm = stack.enter_context(Browser(port, regular.session))
        stage.checked(warm.get(), stage.three)

        def others(suffix: str, is_over: Callable[[], bool] = lambda: False) -> None:
            first_page = stage.checked(browse.pop().get(), stage.three)
            pages: list[float] = []
            while len(pages) < PAGES and not is_over():
                pages.append(stage.checked(warm.get(), stage.three))
            if len(pages) < FEWEST:
                raise Incomplete("the page that hangs ended before the others: the machine is too busy")
            found[f"first{suffix}"].append(first_page)
            found[f"warm{suffix}"].append(median(pages))

        for turn in rounds("one team that hangs"):
            warm.follow_up()
            if turn % 2:
                others(" quiet")
            with Browser(port, waiting[turn].session) as stuck:
                fault = stage.sandbox.fault("hang", path="/v2/droplets", team=sick)
                page = pool.submit(stuck.get)
                wait_until(lambda: stage.sandbox.hits(fault) > 0)  # noqa: B023  # ends before the next turn
                others("", page.done)
                found["page"].append(stage.checked(page.result(), (first, second)))
                stage.sandbox.clear_faults()
            if not turn % 2:
                others(" quiet")
    deadline = [float(settings.PAGE_DEADLINE)] * ROUNDS
    return [
        compared("One team hangs: that page, vs. its deadline", found["page"], deadline, most=1.1),
        compared("… another user's cached page, vs. no hang", found["warm"], found["warm quiet"], most=1.2),
        compared("… another user's first page, vs. no hang", found["first"], found["first quiet"], most=1.2),
    ]
