"""What it costs a request that its browser is signed in, where the answer shows nothing of the person.

The same address is asked for by signed-in browsers and by strangers, as often as one gunicorn process can answer: a
health check, and a page that passes through all middleware. Four browsers send requests without a pause, two seconds
for each turn. Then the fleet is compared with what a stranger's page costs: how many queries of the database a
signed-in request makes beyond what it shows. The session's activity is written once a minute, which the first request
of each browser has done.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from time import perf_counter

from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.bench.browser import Browser
from tests.bench.results import Result, compared, per_second
from tests.bench.rounds import in_turns
from tests.bench.stage import Stage, Visitor

BROWSERS, SECONDS = 4, 2.0
ADDRESSES = {"A health check": "/healthz", "A page without a person": "/.well-known/security.txt"}


def measure(stage: Stage) -> list[Result]:
    visitor = stage.visitor(stage.others[0])
    return [*(_compared(stage, visitor, what, path) for what, path in ADDRESSES.items()), _queries(visitor)]


def _compared(stage: Stage, visitor: Visitor, what: str, path: str) -> Result:
    with ExitStack() as stack:
        port = stack.enter_context(stage.server())
        pool = stack.enter_context(ThreadPoolExecutor(BROWSERS))

        def answers_per_second(sessions: list[str]) -> float:
            with ExitStack() as open_browsers:
                browsers = [open_browsers.enter_context(Browser(port, session)) for session in sessions]
                for browser in browsers:
                    browser.get(path)
                start = perf_counter()
                made = sum(pool.map(lambda browser: _requests(browser, path, start + SECONDS), browsers))
                return made / (perf_counter() - start)

        signed_in, strangers = visitor.sessions(BROWSERS), [""] * BROWSERS
        found = in_turns(
            f"signed in: {path}",
            {
                "signed in": lambda turn: answers_per_second(signed_in),
                "stranger": lambda turn: answers_per_second(strangers),
            },
        )
    what = f"{what}, signed in, vs. a stranger"
    return compared(what, found["signed in"], found["stranger"], least=0.8, unit=per_second)


def _queries(visitor: Visitor) -> Result:
    """The session and the person, on a page that shows only the person's name and jobs."""
    path = "/accounts/password/reset/"
    visitor.client.get(path)
    with CaptureQueriesContext(connection) as found:
        visitor.client.get(path)
    count = len(found)
    written = sum(not query["sql"].startswith("SELECT") for query in found.captured_queries)
    return Result(
        "Queries of a page that shows the person's name and jobs; of them written",
        "≤ 3; 0",
        f"{count}; {written}",
        met=count <= 3 and not written,
        basis="session, person, jobs",
    )


def _requests(browser: Browser, path: str, ends: float) -> int:
    made = 0
    while perf_counter() < ends:
        browser.get(path)
        made += 1
    return made
