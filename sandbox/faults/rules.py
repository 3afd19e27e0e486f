"""Faults and the requests that they match. corrupt.py applies them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from sandbox.traffic.request_info import RequestInfo

Phase = Literal["before", "after"]

NUMBER = (int, float)
TEXT = (str,)
ANYTHING = (object,)

# The parameters of each kind; the required ones end in "!".
KINDS: dict[str, dict[str, tuple[type, ...]]] = {
    "status": {"status!": (int,), "body": TEXT, "json": ANYTHING, "headers": (dict,)},
    "hang": {"seconds": NUMBER},
    "drip": {"bytes_per_second": NUMBER, "interval": NUMBER, "drip_headers": (bool,)},
    "reset": {},
    "truncate": {"at": (int,)},
    "empty": {"status": (int,)},
    "html": {"status": (int,), "body": TEXT},
    "body": {"body!": TEXT, "status": (int,), "content_type": TEXT},
    "json": {"json!": ANYTHING, "status": (int,)},
    "redirect": {"location!": TEXT, "status": (int,)},
    "patch": {"set": (dict,), "remove": (list,)},
    "delay": {"seconds!": NUMBER},
}
MATCHERS: dict[str, tuple[type, ...]] = {
    "path": TEXT,
    "method": TEXT,
    "grant_type": TEXT,
    "team": TEXT,
    "page": (int,),
    "type": TEXT,
}
MINIMUM = {"status": 200, "bytes_per_second": 1}  # zero for the others
NULLABLE = frozenset({"times", "method", "grant_type", "team", "page", "type"})  # null means: any, or without end
COMMON: dict[str, tuple[type, ...]] = {"times": (int,), "skip": (int,), "phase": TEXT, "kind": TEXT}


@dataclass
class Fault:
    """One fault. `seen` counts the requests that it matched, `hits` those that it was applied to."""

    id: int
    kind: str
    matchers: dict[str, Any]
    parameters: dict[str, Any]
    phase: Phase
    times: int | None
    skip: int
    seen: int = 0
    hits: int = 0

    def matches(self, info: RequestInfo) -> bool:
        """Whether the request fits path, method and the other matchers."""
        pattern = self.matchers["path"]
        exact = {name: value for name, value in self.matchers.items() if name != "path"}
        return re.search(pattern, info.path) is not None and all(
            getattr(info, name) == value for name, value in exact.items()
        )

    def as_json(self) -> dict[str, Any]:
        """For the control API."""
        result = {"id": self.id, "kind": self.kind, "phase": self.phase, "times": self.times, "skip": self.skip}
        return result | self.matchers | self.parameters | {"seen": self.seen, "hits": self.hits}


class Faults:
    """All faults, in the order in which they were added. The first that matches and is not used up applies."""

    def __init__(self) -> None:
        """Start without faults."""
        self._faults: dict[int, Fault] = {}
        self._last = 0

    def add(self, spec: dict[str, Any]) -> int:
        """Add a fault. Returns its id. Raises ValueError with a sentence for an invalid description."""
        fault = _read(self._last + 1, spec)
        self._last = fault.id
        self._faults[fault.id] = fault
        return fault.id

    def remove(self, fault_id: int) -> bool:
        """Remove one. Returns False when there is none of that id."""
        return self._faults.pop(fault_id, None) is not None

    def clear(self) -> None:
        """Remove all."""
        self._faults.clear()

    def match(self, info: RequestInfo) -> Fault | None:
        """The fault to apply to this request, which is counted; None for a request without a fault."""
        for fault in self._faults.values():
            if not fault.matches(info):
                continue
            fault.seen += 1
            if fault.seen > fault.skip and (fault.times is None or fault.hits < fault.times):
                fault.hits += 1
                return fault
        return None

    def as_json(self) -> list[dict[str, Any]]:
        """For the control API."""
        return [fault.as_json() for fault in self._faults.values()]


def _is(value: object, types: tuple[type, ...]) -> bool:
    """isinstance, except that a bool is not a number."""
    return isinstance(value, types) and (not isinstance(value, bool) or bool in types or object in types)


def _read(fault_id: int, spec: dict[str, Any]) -> Fault:
    kind = spec.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}")
    needed = {name.removesuffix("!") for name in KINDS[kind] if name.endswith("!")}
    taken = {name.removesuffix("!"): types for name, types in KINDS[kind].items()}
    known = COMMON | MATCHERS | taken
    for name, value in spec.items():
        if name not in known:
            raise ValueError(f"a fault of kind {kind} does not take {name!r}; it takes {', '.join(known)}")
        if not (_is(value, known[name]) or (value is None and name in NULLABLE)):
            raise ValueError(f"{name} must be {' or '.join(each.__name__ for each in known[name])}")
        if _is(value, NUMBER) and (value < MINIMUM.get(name, 0) or (name == "status" and value > 599)):
            raise ValueError(f"{name} cannot be {value}")
    if missing := needed - spec.keys():
        raise ValueError(f"a fault of kind {kind} needs {', '.join(sorted(missing))}")
    phase = spec.get("phase", "before")
    if phase not in ("before", "after"):
        raise ValueError("phase must be before or after")
    matchers = {name: spec[name] for name in MATCHERS if spec.get(name) is not None}
    matchers.setdefault("path", "")
    try:
        re.compile(matchers["path"])
    except re.error as error:
        raise ValueError(f"path must be a regular expression: {error}") from error
    return Fault(
        id=fault_id,
        kind=kind,
        matchers=matchers,
        parameters={name: spec[name] for name in taken if name in spec},
        phase=phase,
        times=spec.get("times"),
        skip=spec.get("skip", 0),
    )
