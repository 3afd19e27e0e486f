"""Three teams of 1,000 droplets, whose DigitalOcean takes 100 ms for every call.

The first page ever is `GET /droplets/` of somebody whom nothing is cached for, from the first byte sent to the last one
received: log-in, tokens, both rounds of calls, decoding, sorting, adding up and HTML. A renewal is the page's own
follow-up half a minute later, which makes all calls in one round. Both are held against other ways to get at the same
droplets, each in a process of its own with connections kept and timed within it, start-up not counted:

- the bare parallel script makes the same calls in the same two rounds, over `requests` on 32 threads, decodes each
  answer with msgspec and keeps what came, unchecked; its two rounds alone are 200 ms;
- python-digitalocean and pydo loop over pages of 200, team after team. They leave out GPU droplets, and with them a
  call for each team.

Everybody has read once before, so that the sandbox has every page encoded. How long its process works for one reading
of the bare script is measured too: it is not what any of them waits for.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from time import monotonic, sleep

from tests.bench.browser import Browser
from tests.bench.results import Result, compared
from tests.bench.rivals import READERS, Rival
from tests.bench.rounds import ROUNDS, in_turns, rounds
from tests.bench.stage import NotWhole, Stage

LOOPING = ("python-digitalocean", "pydo")

FRESH = 31.0
"""Seconds after which a reading is not fresh any more."""


def measure(stage: Stage) -> list[Result]:
    teams = stage.three
    tokens = [str(stage.sandbox.connect(team=team)["access_token"]) for team in teams]
    newcomers, regulars = stage.visitors(ROUNDS, *teams), stage.visitors(ROUNDS, *teams)
    with ExitStack() as stack:
        rivals = {name: stack.enter_context(Rival(name, stage.sandbox.url, tokens)) for name in READERS}
        port = stack.enter_context(stage.server())
        first = [stack.enter_context(Browser(port, visitor.session)) for visitor in newcomers]
        again = [stack.enter_context(Browser(port, visitor.session)) for visitor in regulars]
        stack.enter_context(stage.latency())
        for browser in again:
            stage.whole(browser.get(), teams)
        _wait(FRESH)

        def renew(turn: int) -> float:
            before = stage.sandbox.counters().total
            took = stage.whole(again[turn].follow_up(), teams)
            made = stage.sandbox.counters().total - before
            if made != stage.calls(*teams):
                raise NotWhole(f"a renewal made {made} calls, where a reading takes {stage.calls(*teams)}")
            return took

        worked: list[float] = []

        def bare(turn: int) -> float:
            before = _at_work(stage.sandbox.pid)
            took = rivals["bare"].read()
            worked.append(_at_work(stage.sandbox.pid) - before)
            return took

        found = in_turns(
            "first page, renewal and rivals",
            {
                "first": lambda turn: stage.whole(first[turn].get(), teams),
                "renewal": renew,
                "bare": bare,
                "python-digitalocean": lambda turn: rivals["python-digitalocean"].read(),
                "pydo": lambda turn: rivals["pydo"].read(),
            },
        )
    return [
        compared("First page ever, against a bare parallel script", found["first"], found["bare"], most=1.3),
        *(compared(f"{name}, against that first page", found[name], found["first"], least=4) for name in LOOPING),
        *(compared(f"{name}, against a renewal", found[name], found["renewal"], least=6) for name in LOOPING),
        _sandbox(worked, found["bare"]),
    ]


def _sandbox(worked: list[float], took: list[float]) -> Result:
    what = "The sandbox at work, of the bare script's time"
    if not any(worked):
        return Result(what, "≤ 0.2 ×", "this system does not tell")
    return compared(what, worked, took, most=0.2)


def _at_work(pid: int) -> float:
    """Seconds of processor time of a process that has one thread only; nothing where the system does not tell."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    except OSError:
        return 0.0


def _wait(seconds: float) -> None:
    """Until what was read is no longer fresh, which only time can bring about."""
    ends = monotonic() + seconds
    for _ in rounds("until readings are not fresh any more", int(seconds)):
        sleep(max(0.0, min(1.0, ends - monotonic())))
