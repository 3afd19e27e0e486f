"""A profile of pages: `make bench PROFILE=1` writes it to profiles/, which git ignores.

Samples every thread of this process each millisecond while it serves pages of three teams of 1,000 droplets, with an
empty cache and with a full one; threads that only wait are left out. It samples because a fleet is read in many
threads, which Python's own profiler does not follow.
"""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from types import FrameType
from typing import Self

from tests.bench.stage import Stage, Visitor
from tests.support.programs import PROJECT
from tests.support.sandbox import Sandbox

DIRECTORY = PROJECT / "profiles"
INTERVAL = 0.001
COLD, WARM = 10, 100
SHOWN = 40
_WAITING = ("Condition.wait", "_worker", "SocketIO.readinto", "poll_wait_for_socket.<locals>.do_poll")
_OURS = ("accounts/", "conveyor/", "droplets/")


class Sampler:
    """While entered, counts the functions that all other threads are in."""

    def __init__(self) -> None:
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.samples = 0
        self.within: Counter[str] = Counter()
        self.at: Counter[str] = Counter()

    def __enter__(self) -> Self:
        self._switch = sys.getswitchinterval()
        sys.setswitchinterval(INTERVAL / 2)  # by default, a busy thread runs for five milliseconds
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ends.set()
        self._thread.join()
        sys.setswitchinterval(self._switch)

    def _watch(self) -> None:
        while not self._ends.wait(INTERVAL):
            self.samples += 1
            for thread, frame in sys._current_frames().items():
                if thread != self._thread.ident:
                    self._note(frame)

    def _note(self, frame: FrameType) -> None:
        if frame.f_code.co_qualname in _WAITING:
            return
        self.at[_name(frame)] += 1
        ours: set[str] = set()
        above: FrameType | None = frame
        while above is not None:
            if (name := _name(above)).startswith(_OURS):
                ours.add(name)
            above = above.f_back
        self.within.update(ours)


def _name(frame: FrameType) -> str:
    path = frame.f_code.co_filename
    for root in (f"{PROJECT}/", "site-packages/", "lib/"):
        path = path.rpartition(root)[2]
    return f"{path}:{frame.f_code.co_firstlineno} {frame.f_code.co_qualname}"


def run(directory: Path, sandbox: Sandbox) -> int:
    """Write one file for first pages ("cold") and one for cached pages ("warm"). Returns the exit code."""
    stage = Stage(directory, sandbox)
    visitors = stage.visitors(COLD + 1, *stage.three)
    DIRECTORY.mkdir(exist_ok=True)
    _page(visitors[0])  # fills the sandbox's cache, and loads modules that Python imports late
    with stage.latency():
        _write("cold", visitors[1:])
    _write("warm", visitors[:1] * WARM)
    return 0


def _page(visitor: Visitor) -> None:
    answer = visitor.client.get("/droplets/")
    if answer.status_code != 200:
        raise RuntimeError(f"the page has status {answer.status_code}")


def _write(name: str, visitors: Sequence[Visitor]) -> None:
    """Serve each visitor one page, and write the profile."""
    start = perf_counter()
    with Sampler() as sampler:
        for visitor in visitors:
            _page(visitor)
    each = (perf_counter() - start) / len(visitors) * 1000
    lines = [f"{name}: {each:.1f} ms per page, {len(visitors)} pages, {sampler.samples} samples of every thread", ""]
    for title, counted in (
        ("Conveyor's functions, including what they call", sampler.within),
        ("all functions, without what they call", sampler.at),
    ):
        lines += [f"ms per page: {title}"]
        lines += [f"{count * each / sampler.samples:9.2f}  {where}" for where, count in counted.most_common(SHOWN)] + [
            ""
        ]
    path = DIRECTORY / f"{name}.txt"
    path.write_text("\n".join(lines))
    print(f"Written to {path.relative_to(PROJECT)}.")
