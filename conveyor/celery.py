"""The Celery application: work that goes on when nobody looks. docs/engine.md tells how it runs and scales.

`celery -A conveyor worker` does the work, `celery -A conveyor beat` sends what is due. A message carries ids only; rows
say what there is to do, so a message that is lost is sent again, and one that comes twice does nothing twice.
"""

from __future__ import annotations

import os
from typing import Any
from uuid import uuid4

from celery import Celery, Task, signals
from structlog.contextvars import bind_contextvars, get_contextvars

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "conveyor.settings")

app = Celery("conveyor")
app.config_from_object("conveyor.celery_config")  # read when first needed, after Django's settings


@signals.setup_logging.connect
def _keep_logging(**kwargs: Any) -> None:
    """Celery would replace the handlers. Django's stay: their lines are redacted."""


@signals.before_task_publish.connect
def _send_request_id(headers: dict[str, Any], **kwargs: Any) -> None:
    headers["request_id"] = get_contextvars().get("request_id") or uuid4().hex[:16]


@signals.task_prerun.connect
def _bind_request_id(task: Task[Any, Any], **kwargs: Any) -> None:
    """The log lines of a task have the id of the request that caused it."""
    bind_contextvars(request_id=str(getattr(task.request, "request_id", None) or uuid4().hex[:16])[:40])


@signals.worker_ready.connect
def _store_leftovers(**kwargs: Any) -> None:
    """Store what a process that was killed has left in spill files."""
    from accounts import spill

    spill.store_in_background()


@signals.beat_init.connect
def _send_everything(sender: Any, **kwargs: Any) -> None:
    """Celery would wait for a whole interval first. What became due while no scheduler ran is due now."""
    for entry in sender.scheduler.schedule.values():
        sender.scheduler.apply_entry(entry)
