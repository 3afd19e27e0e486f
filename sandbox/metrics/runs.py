"""The periods in which a droplet ran, each from one boot. Only these have samples."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.clock import epoch
from sandbox.fleet.droplets import Droplet
from sandbox.fleet.team_resources import PowerChange, TeamResources
from sandbox.metrics.load_pattern import DAY, STEP

BOOT = 45  # seconds from a boot until the agent reports


@dataclass(frozen=True, slots=True)
class Run:
    """A period without a boot inside. All three times are seconds since the epoch."""

    boot: float
    begin: float
    end: float

    @property
    def first_slot(self) -> int:
        """The number of the first sample after the boot, even where the run starts later."""
        return math.ceil((self.boot + BOOT) / STEP)

    def slots(self) -> range:
        """The numbers of its samples, which are at multiples of STEP."""
        return range(math.ceil(self.begin / STEP), math.ceil(self.end / STEP))


def between(resources: TeamResources, droplet: Droplet, start: float, end: float) -> list[Run]:
    """The runs of a droplet from `start` to `end`, cut at both."""
    found = []
    for on, off in _times_on(resources, droplet):
        own = _own_boots(droplet["id"], max(on, start), min(off, end))
        boots = [on, *(boot for boot in own if boot > on)]
        for boot, following in zip(boots, [*boots[1:], off], strict=True):
            begin, until = max(boot + BOOT, start), min(following, end)
            if begin < until:
                found.append(Run(boot, begin, until))
    return found


def _times_on(resources: TeamResources, droplet: Droplet) -> Iterator[tuple[float, float]]:
    """Each time that the droplet was turned on, with the next change of its power; the last may have no end."""
    born = epoch(droplet.get("created_at")) or 0.0
    running = droplet.get("status") == "active"
    power_changes = resources.power_changes.get(droplet["id"]) or [PowerChange(0.0, running)]
    for change, following in zip(power_changes, [*power_changes[1:], PowerChange(math.inf, False)], strict=True):
        if change.on and max(change.at, born) < following.at:
            yield max(change.at, born), following.at


def _own_boots(droplet_id: int, start: float, end: float) -> list[float]:
    """When a droplet reboots for updates, every few weeks: the last time before `start`, and all until `end`."""
    draw = zlib.crc32(f"boots/{droplet_id}".encode())
    period = (9 + draw % 45) * DAY
    boot = start - (start - draw) % period
    found = []
    while boot < end:
        found.append(float(boot))
        boot += period
    return found
