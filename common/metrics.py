"""What Conveyor counts and times, for Prometheus: docs/metrics.md. `manage.py serve_metrics` shows it.

Processes write into files in METRICS_DIR, which all processes of a host share. A process takes a number that no living
one has and goes on in the files of that number, so there are never more files than there were processes at once, and no
counter ever falls. Without METRICS_DIR nothing is kept.

Labels have few values: names of views, tasks and endpoints, never a name, an address or an id of anybody. Nothing here
raises: a full disk must not break a page.
"""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Callable
from functools import wraps
from itertools import count
from pathlib import Path
from typing import Any, ParamSpec

from django.conf import settings
from prometheus_client import CollectorRegistry, Counter, Histogram, values

log = logging.getLogger(__name__)

P = ParamSpec("P")


class _Slot:
    """The number of this process, held by a lock on a file, which the kernel releases when the process ends."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._pid, self._number, self._file = 0, -1, -1

    def __call__(self) -> int:
        """The number. After a fork the child takes one of its own."""
        if self._pid != os.getpid():
            if self._file >= 0:
                os.close(self._file)  # the parent's; its lock stays with the parent
            self._number, self._file = self._take()
            self._pid = os.getpid()
        return self._number

    def _take(self) -> tuple[int, int]:
        for number in count():
            file = os.open(self._directory / f"{number}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(file)
            else:
                return number, file
        raise AssertionError("count() has no end")


def _share(directory: Path) -> None:
    """Have the metrics kept in files of this directory. Raises OSError where it cannot be written to."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(directory)  # where prometheus_client takes it from
    value_class = values.MultiProcessValue(process_identifier=_Slot(directory))  # type: ignore[no-untyped-call]  # theirs
    values.ValueClass = value_class


if settings.METRICS_DIR:
    try:
        _share(Path(settings.METRICS_DIR))
    except OSError as problem:
        log.error("Metrics cannot be written to %s: %s", settings.METRICS_DIR, problem.strerror)

REGISTRY = CollectorRegistry()
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_LONG = (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)

REQUESTS = Counter(
    "conveyor_http_requests", "Requests, by view, method and status.", ["view", "method", "status"], registry=REGISTRY
)
REQUEST_SECONDS = Histogram(
    "conveyor_http_request_seconds", "Seconds for a request.", ["view"], buckets=_SECONDS, registry=REGISTRY
)
CALLS = Counter(
    "conveyor_digitalocean_calls",
    "Calls to DigitalOcean, by endpoint and outcome (ok, or the code of the error).",
    ["endpoint", "outcome"],
    registry=REGISTRY,
)
CALL_SECONDS = Histogram(
    "conveyor_digitalocean_call_seconds",
    "Seconds for a call to DigitalOcean.",
    ["endpoint"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
EVENTS = Counter(
    "conveyor_events",
    "Entries of the audit log by kind and outcome: token refreshes, revocations, emails, log-ins and so on.",
    ["kind", "outcome"],
    registry=REGISTRY,
)
READINGS = Counter(
    "conveyor_team_readings", "Teams read in the background, by outcome.", ["outcome"], registry=REGISTRY
)
CACHED_FLEETS = Counter(
    "conveyor_fleet_cache",
    "Cached droplets of a team that a page asked for: fresh, old (shown, and reloaded) or missing.",
    ["result"],
    registry=REGISTRY,
)
TASKS = Counter("conveyor_tasks", "Tasks of the workers, by outcome.", ["task", "outcome"], registry=REGISTRY)
TASK_SECONDS = Histogram("conveyor_task_seconds", "Seconds for a task.", ["task"], buckets=_LONG, registry=REGISTRY)
TASK_WAIT_SECONDS = Histogram(
    "conveyor_task_wait_seconds",
    "Seconds from sending a message until a worker begins with it, without a delay that was asked for.",
    ["queue"],
    buckets=_LONG,
    registry=REGISTRY,
)


def _never_raises(record: Callable[P, None]) -> Callable[P, None]:
    @wraps(record)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            record(*args, **kwargs)
        except Exception as error:  # a metric is worth less than what it counts
            log.warning("A metric was not recorded: %s", type(error).__name__)

    return guarded


@_never_raises
def add(counter: Counter, **labels: str) -> None:
    """Count one."""
    counter.labels(**labels).inc()


@_never_raises
def observe(histogram: Histogram, seconds: float, **labels: str) -> None:
    """Record a duration."""
    histogram.labels(**labels).observe(max(seconds, 0.0))


def names(registry: Any = REGISTRY) -> set[str]:
    """The names of all series, as Prometheus sees them."""
    found: set[str] = set()
    for metric in registry.collect():
        endings = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(metric.type, ("",))
        found |= {f"{metric.name}{ending}" for ending in endings}
    return found
