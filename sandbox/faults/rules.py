"""Faults: which requests get which trouble. How the trouble is made is spoil.py's business."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from sandbox.faults.calls import Call

Phase = Literal["before", "after"]

NUMBER = (int, float)
TEXT = (str,)
ANYTHING = (object,)

# For each kind, the parameters that it takes; the needed ones end in "!".
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
LEAST = {"status": 200, "bytes_per_second": 1}  # of the others, the least is zero
OPEN = frozenset({"times", "method", "grant_type", "team", "page", "type"})  # may be null: any, or for ever
REACH: dict[str, tuple[type, ...]] = {"times": (int,), "skip": (int,), "phase": TEXT, "kind": TEXT}


@dataclass
class Fault:
    """One arranged trouble. `seen` counts requests that it fits, `hits` those that it spoilt."""

    id: int
    kind: str
    matchers: dict[str, Any]
    parameters: dict[str, Any]
    phase: Phase
    times: int | None
    skip: int
    seen: int = 0
    hits: int = 0

    def fits(self, call: Call) -> bool:
        """Whether this trouble is meant for the call."""
        pattern = self.matchers["path"]
        exact = {name: value for name, value in self.matchers.items() if name != "path"}
        return re.search(pattern, call.path) is not None and all(
            getattr(call, name) == value for name, value in exact.items()
        )

    def as_json(self) -> dict[str, Any]:
        """For the control API."""
        told = {"id": self.id, "kind": self.kind, "phase": self.phase, "times": self.times, "skip": self.skip}
        return told | self.matchers | self.parameters | {"seen": self.seen, "hits": self.hits}


class Faults:
    """The arranged troubles, in the order in which they were arranged: the first that fits and is not spent acts."""

    def __init__(self) -> None:
        """None yet."""
        self._faults: dict[int, Fault] = {}
        self._last = 0

    def add(self, spec: dict[str, Any]) -> int:
        """Arrange one. Returns its id. Raises ValueError with a sentence when the description is odd."""
        fault = _read(self._last + 1, spec)
        self._last = fault.id
        self._faults[fault.id] = fault
        return fault.id

    def drop(self, fault_id: int) -> bool:
        """Forget one. False when there is none of that id."""
        return self._faults.pop(fault_id, None) is not None

    def clear(self) -> None:
        """Forget all."""
        self._faults.clear()

    def strike(self, call: Call) -> Fault | None:
        """The fault that spoils this call, counted; None for a call that goes through."""
        for fault in self._faults.values():
            if not fault.fits(call):
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
    """isinstance, but true and false are no numbers."""
    return isinstance(value, types) and (not isinstance(value, bool) or bool in types or object in types)


def _read(fault_id: int, spec: dict[str, Any]) -> Fault:
    kind = spec.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}")
    needed = {name.removesuffix("!") for name in KINDS[kind] if name.endswith("!")}
    taken = {name.removesuffix("!"): types for name, types in KINDS[kind].items()}
    known = REACH | MATCHERS | taken
    for name, value in spec.items():
        if name not in known:
            raise ValueError(f"a fault of kind {kind} has no {name!r}; it has {', '.join(known)}")
        if not (_is(value, known[name]) or (value is None and name in OPEN)):
            raise ValueError(f"{name} must be {' or '.join(each.__name__ for each in known[name])}")
        if _is(value, NUMBER) and (value < LEAST.get(name, 0) or (name == "status" and value > 599)):
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
