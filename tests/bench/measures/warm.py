"""A cached page of three teams of 1,000 droplets, as often as one gunicorn process can serve it.

It is compared with a minimal view of the same server at its own URL: the same gunicorn, middleware, session, log-in and
template, with the data that the real view passed to the template once. Four browsers send requests without a pause, two
seconds for each turn. There is one process, so that the browsers and the server do not compete for processors.
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
        stage.checked(browsers[0].get(), stage.three)
        stage.checked(browsers[0].get("/bench/constant"), stage.three)

        def pages_per_second(path: str) -> float:
            browsers[0].follow_up()  # an old fleet would be reloaded, which is another page
            start = perf_counter()
            pages = sum(pool.map(lambda browser: _pages(browser, path, start + SECONDS), browsers))
            return pages / (perf_counter() - start)

        found = in_turns(
            "cached page",
            {
                "real": lambda turn: pages_per_second("/droplets/"),
                "constant": lambda turn: pages_per_second("/bench/constant"),
            },
            7,
        )
    what = "Cached page, vs. the same template in a minimal view"
    return [compared(what, found["real"], found["constant"], least=0.6, unit=per_second)]


def _pages(browser: Browser, path: str, ends: float) -> int:
    made = 0
    while perf_counter() < ends:
        browser.get(path)
        made += 1
    return made
