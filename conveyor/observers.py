"""Counts and logs calls to DigitalOcean, and tasks. The client and Celery are handed functions to call."""

from __future__ import annotations

import logging
from time import monotonic, time
from typing import Any

from celery import Task, signals

from common import metrics
from digitalocean_client import http

log = logging.getLogger("conveyor.digitalocean")

_BEGAN = "conveyor_began"


def register() -> None:
    """Have calls and tasks reported. May be called again."""
    if call_ended not in http.observers:
        http.observers.append(call_ended)
    signals.before_task_publish.connect(_stamp, dispatch_uid="conveyor.observers.stamp")
    signals.task_prerun.connect(_task_begins, dispatch_uid="conveyor.observers.begins")
    signals.task_postrun.connect(_task_ended, dispatch_uid="conveyor.observers.ended")


def call_ended(endpoint: str, outcome: str, seconds: float, request_id: str) -> None:
    """Count a call. One that failed is a line in the log, with Conveyor's request id and DigitalOcean's."""
    metrics.add(metrics.CALLS, endpoint=endpoint, outcome=outcome)
    metrics.observe(metrics.CALL_SECONDS, seconds, endpoint=endpoint)
    if outcome != "ok":
        extra = {
            "endpoint": endpoint,
            "outcome": outcome,
            "seconds": round(seconds, 3),
            "digitalocean_request_id": request_id or "-",
        }
        log.info("A call to DigitalOcean failed", extra=extra)


def _stamp(headers: dict[str, Any], **kwargs: Any) -> None:
    headers["sent_at"] = time()


def _task_begins(task: Task[Any, Any], **kwargs: Any) -> None:
    setattr(task.request, _BEGAN, monotonic())
    sent_at = getattr(task.request, "sent_at", None)
    if isinstance(sent_at, int | float) and not getattr(task.request, "eta", None):
        metrics.observe(metrics.TASK_WAIT_SECONDS, time() - sent_at, queue=str(getattr(task, "queue", None) or "other"))


def _task_ended(task: Task[Any, Any], state: str | None = None, **kwargs: Any) -> None:
    began = getattr(task.request, _BEGAN, None)
    metrics.add(metrics.TASKS, task=task.name, outcome=(state or "unknown").lower())
    if began is not None:
        metrics.observe(metrics.TASK_SECONDS, monotonic() - began, task=task.name)
