"""What goes wrong during a run, one after another, with calm in between."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from tests.load.host import Host
from tests.support.sandbox import Sandbox

API_AND_TOKENS = "^/v2/|^/v1/oauth/token$"
ACTS = "^/v2/droplets/[0-9]+/actions$"

RESTART = 5.0
"""Seconds after PostgreSQL or a web process is back in which answers may still fail."""


@dataclass(frozen=True)
class Kind:
    """One kind of disturbance. `begin` starts it, `end` ends it; in between it lasts a quarter of its slot."""

    name: str
    begin: Callable[[Host, Sandbox], Any]
    end: Callable[[Host, Sandbox], Any] = field(default=lambda host, sandbox: None)
    is_restart: bool = False
    """Whether pages may fail while it lasts and shortly after: a process or the database is gone."""
    is_kill: bool = False
    """Whether a process of Conveyor's dies at its beginning, with whatever answer it was about to read."""


def _ill(host: Host, sandbox: Sandbox) -> None:
    sandbox.fault("status", path=API_AND_TOKENS, status=503)


def _hang(host: Host, sandbox: Sandbox) -> None:
    """Actions take effect and their answers are lost; nothing else is answered at all."""
    sandbox.fault("reset", path=ACTS, method="POST", phase="after")
    sandbox.fault("hang", path=API_AND_TOKENS)


def _limit(host: Host, sandbox: Sandbox) -> None:
    sandbox.fault("status", path="^/v2/", status=429, headers={"retry-after": "5"})


def _heal(host: Host, sandbox: Sandbox) -> None:
    sandbox.clear_faults()


KINDS = (
    Kind("DigitalOcean answers 503", _ill, _heal),
    Kind("Redis killed", lambda host, sandbox: host.redis.stop(), lambda host, sandbox: host.redis.start()),
    Kind("Web process killed", lambda host, sandbox: host.kill_web(), is_restart=True, is_kill=True),
    Kind("PostgreSQL restarted", lambda host, sandbox: host.restart_postgres(), is_restart=True),
    Kind("Worker killed", lambda host, sandbox: host.kill_worker(), is_kill=True),
    Kind("DigitalOcean does not answer", _hang, _heal),
    Kind("DigitalOcean's rate limit", _limit, _heal),
)


@dataclass
class Window:
    """One disturbance: times of `time.time`. From `calm_at` on there is calm until the next one."""

    kind: Kind
    begins_at: float
    ends_at: float
    calm_at: float

    @property
    def restart_ends_at(self) -> float:
        return (self.ends_at + RESTART) if self.kind.is_restart else self.begins_at


def slots(seconds: float) -> int:
    """How many disturbances a run has: one every 40 seconds, or in a short run each kind once if 24 s are left each."""
    return max(1, int(seconds // 40), min(len(KINDS), int(seconds // 24)))


def disturb(host: Host, sandbox: Sandbox, *, ends_at: float, stop: Event) -> Iterator[Window]:
    """Yields each disturbance when it begins, and again when its calm begins. Calm is two fifths of each slot."""
    begins_at = time.time()
    number = slots(ends_at - begins_at)
    slot = (ends_at - begins_at) / number
    for at in range(number):
        kind = KINDS[at % len(KINDS)]
        starts = begins_at + at * slot
        window = Window(kind, starts, starts + slot / 4, starts + slot * 3 / 5)
        stop.wait(max(0.0, starts - time.time()))
        if stop.is_set():
            return
        yield window
        with _ended(kind, host, sandbox):
            kind.begin(host, sandbox)
            stop.wait(max(0.0, window.ends_at - time.time()))
        window.ends_at = max(window.ends_at, time.time())
        window.calm_at = max(window.calm_at, window.ends_at)


@contextmanager
def _ended(kind: Kind, host: Host, sandbox: Sandbox) -> Iterator[None]:
    try:
        yield
    finally:
        kind.end(host, sandbox)
