"""From when to when a droplet ran, and since which boot: samples are there for those times alone."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.clock import epoch
from sandbox.fleet.droplets import Droplet
from sandbox.fleet.holdings import Holdings, Switch
from sandbox.metrics.rhythm import DAY, STEP

BOOT = 45  # seconds from a boot until the agent reports


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch without a boot in it. All three in seconds since the epoch."""

    boot: float
    begin: float
    end: float

    @property
    def first_slot(self) -> int:
        """The number of the first sample after the boot, wherever the run is cut."""
        return math.ceil((self.boot + BOOT) / STEP)

    def slots(self) -> range:
        """The numbers of its samples, which are taken at multiples of STEP."""
        return range(math.ceil(self.begin / STEP), math.ceil(self.end / STEP))


def between(holdings: Holdings, droplet: Droplet, start: float, end: float) -> list[Run]:
    """The runs of a droplet that have part in the time from `start` to `end`, cut to it."""
    found = []
    for on, off in _times_on(holdings, droplet):
        own = _own_boots(droplet["id"], max(on, start), min(off, end))
        boots = [on, *(boot for boot in own if boot > on)]
        for boot, following in zip(boots, [*boots[1:], off], strict=True):
            begin, until = max(boot + BOOT, start), min(following, end)
            if begin < until:
                found.append(Run(boot, begin, until))
    return found


def _times_on(holdings: Holdings, droplet: Droplet) -> Iterator[tuple[float, float]]:
    """From each turning on to the next turning on or off; the last may have no end."""
    born = epoch(droplet.get("created_at")) or 0.0
    running = droplet.get("status") == "active"
    switches = holdings.switches.get(droplet["id"]) or [Switch(0.0, running)]
    for switch, following in zip(switches, [*switches[1:], Switch(math.inf, False)], strict=True):
        if switch.on and max(switch.at, born) < following.at:
            yield max(switch.at, born), following.at


def _own_boots(droplet_id: int, start: float, end: float) -> list[float]:
    """When a droplet boots for its updates, every few weeks: the last time before `start`, and all until `end`."""
    draw = zlib.crc32(f"boots/{droplet_id}".encode())
    period = (9 + draw % 45) * DAY
    boot = start - (start - draw) % period
    found = []
    while boot < end:
        found.append(float(boot))
        boot += period
    return found
