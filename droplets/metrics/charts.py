"""The charts of a droplet: the metrics that each needs, and the lines it draws from them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from digitalocean_client import metrics as metrics_api
from digitalocean_client.metrics import Points, Series
from droplets.metrics import cpu
from droplets.metrics.chart_data import RawLine

Answers = Mapping[str, Sequence[Series]]
"""The series by the name of their call. A call that failed is not in it."""

MetricCall = Callable[..., list[Series]]

MAX_LINES = 8
"""Of one chart. More lines could not be told apart by colour and dash."""


@dataclass(frozen=True)
class ChartSpec:
    """One chart. `top` is the end of its scale; without one, the scale fits the values but is `least` or more.

    `fallback` are calls made where the answers to `calls` have points but make no line. `needs_agent`: DigitalOcean has
    these metrics only of droplets with its metrics agent.
    https://docs.digitalocean.com/products/monitoring/details/features/
    """

    key: str
    title: str
    unit: str
    calls: Mapping[str, MetricCall]
    lines: Callable[[Answers], list[RawLine]]
    least: float = 0
    top: float | None = None
    needs_agent: bool = False
    fallback: Mapping[str, MetricCall] = field(default_factory=dict)


_MODES = (
    ("User", ("user",)),
    ("System", ("system",)),
    ("Nice", ("nice",)),
    ("Interrupts", ("irq", "softirq")),
    ("Steal", ("steal",)),
    ("I/O wait", ("iowait",)),
)
_OTHER = "Other"


def _cpu(answers: Answers) -> list[RawLine]:
    """Layers of busy time by mode, and I/O wait on top. Unknown modes are added up as “Other”."""
    shares = cpu.shares(cpu.counters(answers.get("cpu", ())))
    if not shares:
        return []
    known = {"idle", cpu.BUSY, *(mode for _, modes in _MODES for mode in modes)}
    others = tuple(mode for mode in shares if mode not in known)
    lines = [RawLine("Busy", shares[cpu.BUSY], kind="figure", leads=True)]
    # I/O wait is not part of Busy, so it comes last.
    for name, modes in (*_MODES[:-1], (_OTHER, others), _MODES[-1]):
        if parts := [shares[mode] for mode in modes if mode in shares]:
            together = {at: sum(part[at] for part in parts) for at in parts[0]}
            lines.append(RawLine(name, together, kind="layer", has_highest=False))
    return lines


def _load(answers: Answers) -> list[RawLine]:
    names = (("1", "1 minute"), ("5", "5 minutes"), ("15", "15 minutes"))
    return [
        RawLine(name, _only(answers.get(key, ())), unit="", has_highest=key == "1", leads=key == "1")
        for key, name in names
    ]


def _memory(answers: Answers) -> list[RawLine]:
    """Used memory is the total without the available. An older agent reports free and cached memory only."""
    total, available, free, cached = (_only(answers.get(key, ())) for key in ("total", "available", "free", "cached"))
    available = available or {at: value + cached[at] for at, value in free.items() if at in cached}
    free = {at: min(value, total[at]) for at, value in available.items() if total.get(at)}
    if not free:
        return []
    used = {at: total[at] - value for at, value in free.items()}
    share = {at: 100 * value / total[at] for at, value in used.items()}
    return [
        RawLine("Used", share, leads=True, whole=total[max(share)]),
        RawLine("Used", {at: value / 2**30 for at, value in used.items()}, unit="GB", kind="figure", has_highest=False),
    ]


def _disk(answers: Answers) -> list[RawLine]:
    """A line for each file system: the fullest ones, sorted by name, then the others. The fullest leads."""
    sizes = _by_mount(answers.get("size", ()))
    found = []
    for mount, free in _by_mount(answers.get("free", ())).items():
        size = sizes.get(mount, {})
        used = {at: 100 * (1 - min(value / size[at], 1)) for at, value in free.items() if size.get(at)}
        if used:
            last = max(used)
            found.append((used[last], RawLine(mount, used, whole=size[last])))
    found.sort(key=lambda each: (-each[0], each[1].name))
    lines = [replace(line, leads=not place) for place, (_, line) in enumerate(found)]
    return sorted(lines[:MAX_LINES], key=lambda line: line.name) + lines[MAX_LINES:]


def _traffic(answers: Answers) -> list[RawLine]:
    names = (("in", "In"), ("out", "Out"))
    return [RawLine(name, _only(answers.get(key, ())), unit="Mbps", leads=True) for key, name in names]


def _only(series: Sequence[Series]) -> Points:
    """The points of what should be one series. Where there are several, the first series wins."""
    if len(series) == 1:
        return series[0].points
    points: Points = {}
    for each in series:
        for at, value in each.points.items():
            points.setdefault(at, value)
    return points


def _by_mount(series: Sequence[Series]) -> dict[str, Points]:
    """The points of each file system by its mount point, or by its device."""
    found: dict[str, Points] = {}
    for each in series:
        mount = each.labels.get("mountpoint") or each.labels.get("device") or "?"
        points = found.setdefault(mount, {})
        for at, value in each.points.items():
            points.setdefault(at, value)
    return found


def _metric(name: str, **params: Any) -> MetricCall:
    return partial(metrics_api.metric, name=name, **params)


def _bandwidth(interface: str) -> dict[str, MetricCall]:
    directions = (("in", "inbound"), ("out", "outbound"))
    return {key: _metric("bandwidth", interface=interface, direction=direction) for key, direction in directions}


CHARTS = (
    ChartSpec("cpu", "CPU", "%", {"cpu": _metric("cpu")}, _cpu, least=10),
    ChartSpec(
        "load",
        "Load average",
        "",
        {minutes: _metric(f"load_{minutes}") for minutes in ("1", "5", "15")},
        _load,
        least=1,
        needs_agent=True,
    ),
    ChartSpec(
        "memory",
        "Memory",
        "%",
        {what: _metric(f"memory_{what}") for what in ("total", "available")},
        _memory,
        top=100,
        needs_agent=True,
        fallback={what: _metric(f"memory_{what}") for what in ("free", "cached")},
    ),
    ChartSpec(
        "disk",
        "Disk",
        "%",
        {what: _metric(f"filesystem_{what}") for what in ("size", "free")},
        _disk,
        top=100,
        needs_agent=True,
    ),
    ChartSpec("public", "Public traffic", "Mbps", _bandwidth("public"), _traffic),
    ChartSpec("private", "Private traffic", "Mbps", _bandwidth("private"), _traffic),
)
