"""The charts of a droplet: what each asks DigitalOcean for, and which curves it makes of the answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from digitalocean_client import metrics as metrics_api
from digitalocean_client.metrics_schema import Points, Series
from droplets.metrics import cpu
from droplets.metrics.figures import Curve

Answers = Mapping[str, Sequence[Series]]
"""What came, by the name of the question. What did not come is not there."""

Call = Callable[..., list[Series]]

MOST_LINES = 8
"""Of one chart. More could be told apart neither by colour nor by dash."""


@dataclass(frozen=True)
class Plot:
    """One chart. `top` is where its scale ends; without one, the scale is as high as the values, `least` or more.

    `needs_agent`: without DigitalOcean's agent on the droplet there is nothing to show.
    https://docs.digitalocean.com/products/monitoring/details/features/
    """

    key: str
    title: str
    unit: str
    calls: Mapping[str, Call]
    curves: Callable[[Answers], list[Curve]]
    least: float = 0
    top: float | None = None
    needs_agent: bool = False


_MODES = (
    ("User", ("user",)),
    ("System", ("system",)),
    ("Nice", ("nice",)),
    ("Interrupts", ("irq", "softirq")),
    ("Steal", ("steal",)),
    ("I/O wait", ("iowait",)),
)
_OTHER = "Other"


def _cpu(answers: Answers) -> list[Curve]:
    """What the CPUs were busy with, and above it what they waited for. Modes that nobody knows are one."""
    shares = cpu.shares(cpu.counters(answers.get("cpu", ())))
    if not shares:
        return []
    known = {"idle", cpu.BUSY, *(mode for _, modes in _MODES for mode in modes)}
    others = tuple(mode for mode in shares if mode not in known)
    curves = [Curve("Busy", shares[cpu.BUSY], kind="figure", leads=True)]
    # What is not in Busy comes last, so that Busy ends where I/O wait begins.
    for name, modes in (*_MODES[:-1], (_OTHER, others), _MODES[-1]):
        if parts := [shares[mode] for mode in modes if mode in shares]:
            together = {at: sum(part[at] for part in parts) for at in parts[0]}
            curves.append(Curve(name, together, kind="layer", has_highest=False))
    return curves


def _load(answers: Answers) -> list[Curve]:
    names = (("1", "1 minute"), ("5", "5 minutes"), ("15", "15 minutes"))
    return [
        Curve(name, _only(answers.get(key, ())), unit="", has_highest=key == "1", leads=key == "1")
        for key, name in names
    ]


def _memory(answers: Answers) -> list[Curve]:
    total, available = (_only(answers.get(key, ())) for key in ("total", "available"))
    free = {at: min(value, total[at]) for at, value in available.items() if total.get(at)}
    if not free:
        return []
    used = {at: total[at] - value for at, value in free.items()}
    share = {at: 100 * value / total[at] for at, value in used.items()}
    return [
        Curve("Used", share, leads=True, whole=total[max(share)]),
        Curve("Used", {at: value / 2**30 for at, value in used.items()}, unit="GB", kind="figure", has_highest=False),
    ]


def _disk(answers: Answers) -> list[Curve]:
    """File systems: first the fullest of them, by name. The fullest of all leads."""
    sizes = _by_mount(answers.get("size", ()))
    found = []
    for mount, free in _by_mount(answers.get("free", ())).items():
        size = sizes.get(mount, {})
        used = {at: 100 * (1 - min(value / size[at], 1)) for at, value in free.items() if size.get(at)}
        if used:
            last = max(used)
            found.append((used[last], Curve(mount, used, whole=size[last])))
    found.sort(key=lambda each: (-each[0], each[1].name))
    curves = [replace(curve, leads=not place) for place, (_, curve) in enumerate(found)]
    return sorted(curves[:MOST_LINES], key=lambda curve: curve.name) + curves[MOST_LINES:]


def _traffic(answers: Answers) -> list[Curve]:
    names = (("in", "In"), ("out", "Out"))
    return [Curve(name, _only(answers.get(key, ())), unit="Mbps", leads=True) for key, name in names]


def _only(series: Sequence[Series]) -> Points:
    """The points of what should be one series; of several the first knows best."""
    if len(series) == 1:
        return series[0].points
    points: Points = {}
    for each in series:
        for at, value in each.points.items():
            points.setdefault(at, value)
    return points


def _by_mount(series: Sequence[Series]) -> dict[str, Points]:
    """Each file system's points, by where it is mounted, else by its device."""
    found: dict[str, Points] = {}
    for each in series:
        mount = each.labels.get("mountpoint") or each.labels.get("device") or "?"
        points = found.setdefault(mount, {})
        for at, value in each.points.items():
            points.setdefault(at, value)
    return found


def _bandwidth(interface: metrics_api.Interface) -> dict[str, Call]:
    return {
        "in": partial(metrics_api.bandwidth, interface=interface, direction="inbound"),
        "out": partial(metrics_api.bandwidth, interface=interface, direction="outbound"),
    }


PLOTS = (
    Plot("cpu", "CPU", "%", {"cpu": metrics_api.cpu}, _cpu, least=10),
    Plot(
        "load",
        "Load average",
        "",
        {str(minutes): partial(metrics_api.load, minutes=minutes) for minutes in (1, 5, 15)},
        _load,
        least=1,
        needs_agent=True,
    ),
    Plot(
        "memory",
        "Memory",
        "%",
        {what: partial(metrics_api.memory, what=what) for what in ("total", "available")},
        _memory,
        top=100,
        needs_agent=True,
    ),
    Plot(
        "disk",
        "Disk",
        "%",
        {what: partial(metrics_api.filesystem, what=what) for what in ("size", "free")},
        _disk,
        top=100,
        needs_agent=True,
    ),
    Plot("public", "Public traffic", "Mbps", _bandwidth("public"), _traffic),
    Plot("private", "Private traffic", "Mbps", _bandwidth("private"), _traffic),
)
