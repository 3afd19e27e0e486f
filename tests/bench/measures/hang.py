"""One team's DigitalOcean takes the call and never answers, with 100 ms for everybody else's calls.

The page of somebody who has that team beside two others is opened for the first time, and has to show the two at its
deadline (the setting FLEET_DEADLINE). While it waits, a newcomer without that team opens a first page, and somebody
else a warm one up to ten times; both are held against the same without the hang, a moment before or after.
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
from tests.bench.stage import NotWhole, Stage
from tests.support.waiting import wait_until

PAGES, FEWEST = 10, 3
"""Warm pages in a row: together with a first page well within the deadline, where the machine is not busy."""


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
        stage.whole(warm.get(), stage.three)

        def others(suffix: str, is_over: Callable[[], bool] = lambda: False) -> None:
            first_page = stage.whole(browse.pop().get(), stage.three)
            pages: list[float] = []
            while len(pages) < PAGES and not is_over():
                pages.append(stage.whole(warm.get(), stage.three))
            if len(pages) < FEWEST:
                raise NotWhole("the page that hangs was over before the others: the machine has too much else to do")
            found[f"first{suffix}"].append(first_page)
            found[f"warm{suffix}"].append(median(pages))

        for turn in rounds("one upstream that hangs"):
            warm.follow_up()
            if turn % 2:
                others(" quiet")
            with Browser(port, waiting[turn].session) as stuck:
                fault = stage.sandbox.fault("hang", path="/v2/droplets", team=sick)
                page = pool.submit(stuck.get)
                wait_until(lambda: stage.sandbox.hits(fault) > 0)  # noqa: B023  # over before the next turn
                others("", page.done)
                found["page"].append(stage.whole(page.result(), (first, second)))
                stage.sandbox.clear_faults()
            if not turn % 2:
                others(" quiet")
    deadline = [float(settings.FLEET_DEADLINE)] * ROUNDS
    return [
        compared("One upstream hangs: that page, against its deadline", found["page"], deadline, most=1.1),
        compared("… somebody else's warm page, against none hanging", found["warm"], found["warm quiet"], most=1.2),
        compared("… somebody else's first page, against none hanging", found["first"], found["first quiet"], most=1.2),
    ]
