"""What the people and the machine have seen during a run."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from threading import Lock

OWN_NAME = "load"
"""The name of the measuring process's own connections in PostgreSQL."""


@dataclass(frozen=True)
class Visit:
    """One request. `status` is 0 where the connection broke; `at` is when it was sent (`time.time`)."""

    what: str
    path: str
    status: int
    at: float
    seconds: float
    note: str = ""


@dataclass(frozen=True)
class Memory:
    """The resident bytes of a process at a moment."""

    pid: int
    role: str
    at: float
    size: int


@dataclass
class Observed:
    """Everything seen. Threads add to it at the same time."""

    visits: list[Visit] = field(default_factory=list)
    memory: list[Memory] = field(default_factory=list)
    database: list[int] = field(default_factory=list)
    """How many connections PostgreSQL had, sample by sample."""
    errors: list[str] = field(default_factory=list)
    """What went wrong with the run itself."""
    _lock: Lock = field(default_factory=Lock)

    def add(self, visit: Visit) -> None:
        with self._lock:
            self.visits.append(visit)

    def keep(self, directory: Path) -> None:
        """Write everything to `directory`, a line of JSON for each request and each sample of memory."""
        for name, rows in (("visits", self.visits), ("memory", self.memory)):
            lines = (json.dumps(asdict(row)) for row in rows)
            (directory / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def failed(self, what: str) -> None:
        with self._lock:
            self.errors.append(what)


def between(visits: Iterable[Visit], begins_at: float, ends_at: float) -> list[Visit]:
    """The requests that were sent and answered between two moments."""
    return [visit for visit in visits if visit.at >= begins_at and visit.at + visit.seconds <= ends_at]


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile. Raises ValueError without values."""
    if not values:
        raise ValueError("nothing was measured")
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


def middle(values: Sequence[float]) -> float:
    return median(values) if values else math.nan
