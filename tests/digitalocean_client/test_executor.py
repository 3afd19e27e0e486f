"""Many calls side by side: what comes back, when, and what never keeps a caller waiting."""

from __future__ import annotations

import threading
from contextvars import ContextVar
from time import monotonic
from typing import Any

import pytest

from digitalocean_client import errors, executor

request_id: ContextVar[str] = ContextVar("request_id", default="")


def soon() -> float:
    return monotonic() + 10


# Works


def test_each_call_comes_back_with_its_key() -> None:
    calls: executor.Calls[int, int] = executor.Calls()
    for number in range(30):
        calls.start(number, lambda number: number * 2, number)

    assert dict(calls.completed(deadline=soon())) == {number: number * 2 for number in range(30)}
    assert len(calls) == 0


def test_they_run_at_the_same_time() -> None:
    everybody = threading.Barrier(50)
    calls: executor.Calls[int, int] = executor.Calls()
    for number in range(50):
        calls.start(number, everybody.wait, 10)

    assert sorted(place for _, place in calls.completed(deadline=soon()) if isinstance(place, int)) == list(range(50))


def test_a_call_started_meanwhile_is_waited_for_too() -> None:
    calls: executor.Calls[int, int] = executor.Calls()
    calls.start(3, lambda: 3)
    seen = []

    for key, _ in calls.completed(deadline=soon()):
        seen.append(key)
        if key:
            calls.start(key - 1, lambda: 0)

    assert seen == [3, 2, 1, 0]


def test_a_call_sees_its_callers_context_variables() -> None:
    """Log lines of its thread carry the request's id."""
    token = request_id.set("of this request")
    try:
        assert executor.start(request_id.get).result(timeout=10) == "of this request"
    finally:
        request_id.reset(token)


def test_no_thread_outlives_its_call() -> None:
    before = threading.active_count()
    calls: executor.Calls[int, None] = executor.Calls()
    for number in range(20):
        calls.start(number, lambda: None)
    list(calls.completed(deadline=soon()))

    for thread in threading.enumerate():
        if thread.name == "digitalocean-call":
            thread.join(10)

    assert threading.active_count() <= before


# Refuses


def test_the_deadline_is_kept_though_calls_hang() -> None:
    go_on = threading.Event()
    calls: executor.Calls[str, Any] = executor.Calls()
    calls.start("hangs", go_on.wait, 10)
    calls.start("ready", lambda: "done")
    began = monotonic()

    assert list(calls.completed(deadline=began + 0.3)) == [("ready", "done")]
    assert 0.2 < monotonic() - began < 2
    assert list(calls) == ["hangs"]

    go_on.set()  # it has gone on by itself
    assert list(calls.completed(deadline=soon())) == [("hangs", True)]


def test_a_deadline_that_is_over_still_returns_what_is_done() -> None:
    calls: executor.Calls[str, str] = executor.Calls()
    calls.start("ready", lambda: "done")
    for thread in threading.enumerate():
        if thread.name == "digitalocean-call":
            thread.join(10)

    assert list(calls.completed(deadline=monotonic() - 1)) == [("ready", "done")]


# Handles


def test_an_error_of_digitalocean_is_an_outcome() -> None:
    def limited() -> None:
        raise errors.RateLimited("too many")

    assert isinstance(executor.start(limited).result(timeout=10), errors.RateLimited)


@pytest.mark.parametrize("kind", [RuntimeError, MemoryError, SystemExit])
def test_any_other_exception_is_logged_and_leaves_nobody_waiting(
    kind: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise kind("a bug in Conveyor")

    assert isinstance(executor.start(broken).result(timeout=10), errors.UnexpectedAnswer)
    assert "a bug in Conveyor" in caplog.text


@pytest.mark.parametrize("error", [RuntimeError("can't start new thread"), MemoryError()])
def test_where_no_thread_can_be_started_the_call_is_unavailable(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(thread: threading.Thread) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", no_memory)
        future = executor.start(lambda: None)

    assert type(future.result(timeout=10)) is errors.Unavailable
