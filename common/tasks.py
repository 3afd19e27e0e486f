"""Messages for the workers: what to do, by id.

A message is only a hint. What there is to do stands in the database, and a scheduled task sends a message again where a
row is due and nobody works on it. So a lost message delays work, and a message that comes twice does nothing twice.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import Any

from celery import Task
from django.db import transaction
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)

ACT = "act"
READ = "read"
KEEP = "keep"
SEND = "send"
QUEUES = (ACT, READ, KEEP, SEND)
"""The most urgent first: acting on droplets, reading them, upkeep (tokens, revocations, old rows), and sending messages
of watchers, which waits for servers of other people."""

PAUSE = 5.0
"""Seconds that nothing is sent after the broker took no message, so that no page waits for it again and again."""

_paused_until = 0.0


def enqueue(
    task: Task[Any, Any], *args: object, countdown: float = 0, or_else: Callable[[], None] | None = None
) -> None:
    """Send a message once the transaction commits. `countdown`: seconds to wait before it is worked on.

    Never raises for the broker: what it does not take is sent again by the task's sweep, or is done here by `or_else`.
    """
    transaction.on_commit(partial(_send, task, tuple(str(arg) for arg in args), countdown, or_else))


def _send(task: Task[Any, Any], args: tuple[str, ...], countdown: float, or_else: Callable[[], None] | None) -> None:
    if not _is_taken(task, args, countdown) and or_else:
        or_else()


def _is_taken(task: Task[Any, Any], args: tuple[str, ...], countdown: float) -> bool:
    """Whether the broker took the message."""
    global _paused_until
    if monotonic() < _paused_until:
        return False
    try:
        task.apply_async(args=args, countdown=countdown)
    except (OperationalError, OSError) as error:
        _paused_until = monotonic() + PAUSE
        log.warning("The broker did not take a message: %s", type(error).__name__, extra={"task": task.name})
        return False
    return True
