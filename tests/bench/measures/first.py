"""Three teams of 1,000 droplets; DigitalOcean takes 100 ms for each call.

The first page ever is `GET /droplets/` of a user who has nothing in the cache, from the first byte sent to the last
byte received: log-in, tokens, two rounds of calls, decoding, sorting, totals and HTML. A reload is the page's own
follow-up request half a minute later, which makes all calls in one round. Both are compared with other ways to read
the same droplets. Each of those runs in its own process, keeps its connections, and is timed without its start:

- the minimal parallel script makes the same calls in the same two rounds, with `requests` in 32 threads, and decodes
  each answer with msgspec without checking it; its two rounds alone take 200 ms;
- python-digitalocean and pydo loop over pages of 200, one team after the other. They do not read GPU droplets, which
  saves them one call per team.

Everyone has read all droplets once before, so the sandbox has every page ready. The processor time of the sandbox
during one run of the minimal script is measured too, to show that nobody waits for the sandbox.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from time import monotonic, sleep

from tests.bench.browser import Browser
from tests.bench.results import Result, compared
from tests.bench.rivals import Rival
from tests.bench.rounds import ROUNDS, in_turns, rounds
from tests.bench.stage import Incomplete, Stage

LOOPING = ("python-digitalocean", "pydo")

FRESH = 31.0
"""Seconds after which a cached fleet is due for a reload."""


def measure(stage: Stage) -> list[Result]:
    teams = stage.three
    tokens = [str(stage.sandbox.connect(team=team)["access_token"]) for team in teams]
    newcomers, regulars = stage.visitors(ROUNDS, *teams), stage.visitors(ROUNDS, *teams)
    with ExitStack() as stack:
        rivals = {name: stack.enter_context(Rival(name, stage.sandbox.url, tokens)) for name in ("bare", *LOOPING)}
        port = stack.enter_context(stage.server())
        first = [stack.enter_context(Browser(port, visitor.session)) for visitor in newcomers]
        again = [stack.enter_context(Browser(port, visitor.session)) for visitor in regulars]
        stack.enter_context(stage.latency())
        for browser in again:
            stage.checked(browser.get(), teams)
        _wait(FRESH)

        def reload(turn: int) -> float:
            before = stage.sandbox.counters().total
            seconds = stage.checked(again[turn].follow_up(), teams)
            made = stage.sandbox.counters().total - before
            if made != stage.calls(*teams):
                raise Incomplete(f"a reload made {made} calls instead of {stage.calls(*teams)}")
            return seconds

        busy: list[float] = []

        def bare(turn: int) -> float:
            before = _processor_time(stage.sandbox.pid)
            seconds = rivals["bare"].read()
            busy.append(_processor_time(stage.sandbox.pid) - before)
            return seconds

        found = in_turns(
            "first page, reload and other clients",
            {
                "first": lambda turn: stage.checked(first[turn].get(), teams),
                "reload": reload,
                "bare": bare,
                "python-digitalocean": lambda turn: rivals["python-digitalocean"].read(),
                "pydo": lambda turn: rivals["pydo"].read(),
            },
        )
    return [
        compared("First page ever, vs. a minimal parallel script", found["first"], found["bare"], most=1.3),
        *(compared(f"{name}, vs. that first page", found[name], found["first"], least=4) for name in LOOPING),
        *(compared(f"{name}, vs. a reload", found[name], found["reload"], least=6) for name in LOOPING),
        _sandbox(busy, found["bare"]),
    ]


def _sandbox(busy: list[float], took: list[float]) -> Result:
    what = "Sandbox's processor time, vs. the minimal script's time"
    if not any(busy):
        return Result(what, "≤ 0.2 ×", "not available on this system")
    return compared(what, busy, took, most=0.2)


def _processor_time(pid: int) -> float:
    """Processor time in seconds of a process with one thread; 0 if the system does not provide it."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    except OSError:
        return 0.0


def _wait(seconds: float) -> None:
    """Wait until the cached fleets are due for a reload; only time can do that."""
    ends = monotonic() + seconds
    for _ in rounds("waiting until reloads are due", int(seconds)):
        sleep(max(0.0, min(1.0, ends - monotonic())))
