"""A page that is read already, of three teams of 1,000 droplets, as often as one gunicorn process can make it.

It is held against a bare view of the same server, under an address of its own: the same gunicorn, middleware, session,
log-in and template, filled with what the real view gave it once. Four browsers ask without a pause, for two seconds
each turn. One process, so that those who ask do not compete with those who answer.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from time import perf_counter

from tests.bench.browser import Browser
from tests.bench.results import Result, compared, per_second
from tests.bench.rounds import in_turns
from tests.bench.stage import Stage

BROWSERS, SECONDS = 4, 2.0


def measure(stage: Stage) -> list[Result]:
    visitor = stage.visitor(*stage.three)
    with ExitStack() as stack:
        port = stack.enter_context(stage.server(settings="tests.bench.settings"))
        pool = stack.enter_context(ThreadPoolExecutor(BROWSERS))
        browsers = [stack.enter_context(Browser(port, visitor.session)) for _ in range(BROWSERS)]
        stage.whole(browsers[0].get(), stage.three)
        stage.whole(browsers[0].get("/bench/constant"), stage.three)

        def pages_a_second(path: str) -> float:
            browsers[0].follow_up()  # a page that has gone stale would be another one
            start = perf_counter()
            pages = sum(pool.map(lambda browser: _pages(browser, path, start + SECONDS), browsers))
            return pages / (perf_counter() - start)

        found = in_turns(
            "warm page",
            {
                "real": lambda turn: pages_a_second("/droplets/"),
                "constant": lambda turn: pages_a_second("/bench/constant"),
            },
            7,
        )
    what = "Warm page, against the same template filled by a bare view"
    return [compared(what, found["real"], found["constant"], least=0.6, unit=per_second)]


def _pages(browser: Browser, path: str, ends: float) -> int:
    made = 0
    while perf_counter() < ends:
        browser.get(path)
        made += 1
    return made
