"""Calls to DigitalOcean side by side, under one deadline: the only place that starts threads for them.

Each call has a thread of its own, so a call that hangs keeps no other waiting. Whoever starts the calls decides how
many run at once. There is no pool: nothing has to be shut down, no thread stays idle, a fork inherits nothing.
"""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextvars import copy_context
from math import inf
from queue import Empty, SimpleQueue
from threading import TIMEOUT_MAX, Thread
from time import monotonic
from typing import Any, Generic, TypeVar

from digitalocean_client import errors

K = TypeVar("K")
T = TypeVar("T")

log = logging.getLogger(__name__)


def start(call: Callable[..., T], *args: Any) -> Future[T | errors.DigitalOceanError]:
    """Run `call(*args)` in a thread of its own, with a copy of the caller's context variables.

    The future never raises: its result is what the call returned, or the `DigitalOceanError` it ended with. Any other
    exception is logged and becomes an `UnexpectedAnswer`; where no thread can be started it is `Unavailable`.
    """
    future: Future[T | errors.DigitalOceanError] = Future()
    context = copy_context()
    thread = Thread(
        target=lambda: future.set_result(context.run(_outcome, call, *args)), name="digitalocean-call", daemon=False
    )
    try:
        thread.start()
    except (RuntimeError, MemoryError) as error:  # no room for a thread, or the interpreter is shutting down
        future.set_result(errors.Unavailable(f"no thread ({error})"))
    return future


def _outcome(call: Callable[..., T], *args: Any) -> T | errors.DigitalOceanError:
    try:
        return call(*args)
    except errors.DigitalOceanError as error:
        return error
    except BaseException:  # whatever it is, nobody may wait for ever for an outcome
        log.exception("A call to DigitalOcean failed")
        return errors.UnexpectedAnswer("an answer that Conveyor cannot work with")


class Calls(Generic[K, T]):
    """Calls that run side by side, each known by a key. For use by one thread; its length is how many still run.

    >>> calls = Calls()
    >>> calls.start("two", lambda number: number + 1, 1)
    >>> dict(calls.completed(deadline=monotonic() + 5))
    {'two': 2}
    """

    def __init__(self) -> None:
        self._running: dict[Future[T | errors.DigitalOceanError], K] = {}
        self._ended: SimpleQueue[Future[T | errors.DigitalOceanError]] = SimpleQueue()

    def __len__(self) -> int:
        return len(self._running)

    @property
    def has_ended_some(self) -> bool:
        """Whether `completed` has a call to yield at once."""
        return not self._ended.empty()

    def __iter__(self) -> Iterator[K]:
        """The keys of the calls that still run."""
        return iter(list(self._running.values()))

    def start(self, key: K, call: Callable[..., T], *args: Any) -> None:
        future = start(call, *args)
        self._running[future] = key
        future.add_done_callback(self._ended.put)

    def completed(self, *, deadline: float = inf) -> Iterator[tuple[K, T | errors.DigitalOceanError]]:
        """Each call's key and outcome, as it ends, until none runs or `deadline` (of `time.monotonic`) has come.

        Calls that are started meanwhile are waited for as well. Those that run beyond the deadline go on by themselves.
        """
        while self._running:
            timeout = min(max(deadline - monotonic(), 0), TIMEOUT_MAX)
            try:
                future = self._ended.get(timeout=timeout)
            except Empty:
                return
            yield self._running.pop(future), future.result()
