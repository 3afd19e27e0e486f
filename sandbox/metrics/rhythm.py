"""How busy a droplet is: by day and week, in shorter waves, with a nightly job, and a little at random.

Work is kept as its sum since the epoch, in closed form, so that a counter is a difference of two sums at any distance
and never falls.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

STEP = 120  # seconds from one sample to the next, as in the examples of the API reference
DAY, WEEK = 86_400, 604_800
ROOM = 0.4  # of the base rate that no wave ever takes away: what the random part lives on


@dataclass(frozen=True, slots=True)
class Wave:
    """One sine: `depth` as a share of the base rate, `period` and `shift` in seconds."""

    depth: float
    period: float
    shift: float

    def at(self, moment: float) -> float:
        """Between -depth and depth."""
        return self.depth * math.cos(math.tau * (moment - self.shift) / self.period)

    def sum(self, moment: float) -> float:
        """The integral of `at`."""
        return self.depth * self.period / math.tau * math.sin(math.tau * (moment - self.shift) / self.period)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """A droplet's habits. `base` is the share of all vCPUs that is busy on average without the nightly job."""

    base: float
    waves: tuple[Wave, ...]
    job_rate: float
    job_start: int  # seconds after midnight
    job_length: int  # seconds
    key: int

    def tide(self, moment: float) -> float:
        """How strong the waves are at a moment: 1 on average, above 0 always."""
        return 1 + sum(wave.at(moment) for wave in self.waves)

    def work(self, moment: float) -> float:
        """Busy seconds since the epoch without the job, for one vCPU and without the random part."""
        return self.base * (moment + sum(wave.sum(moment) for wave in self.waves))

    def jitter(self, slot: int) -> float:
        """The random part of `work` at sample number `slot`: never more than what is worked for certain in a step."""
        return self.base * ROOM * STEP * self.chance(slot)

    def job(self, moment: float) -> float:
        """Busy seconds of the nightly job since the epoch, for one vCPU."""
        days, into = divmod(moment - self.job_start, DAY)
        return self.job_rate * (days * self.job_length + min(into, self.job_length))

    def chance(self, slot: int, salt: int = 0) -> float:
        """A number from 0 to 1 that looks random, the same for the same sample."""
        mixed = (slot * 2_654_435_761 + self.key + salt * 40_503) & 0xFFFFFFFF
        mixed = (mixed ^ mixed >> 15) * 2_246_822_519 & 0xFFFFFFFF
        mixed = (mixed ^ mixed >> 13) * 3_266_489_917 & 0xFFFFFFFF
        return (mixed ^ mixed >> 16) / 2**32


def of(seed: int, droplet_id: int) -> Rhythm:
    """The habits of one droplet: its waves leave ROOM of its base rate, and it is never busy all of the time."""
    chance = random.Random(f"{seed}/rhythm/{droplet_id}")
    daily = chance.uniform(0.1, 0.32)
    peak = chance.gauss(14, 2.5) * 3_600
    return Rhythm(
        base=chance.choice((0.02, 0.04, 0.08, 0.15, 0.3)) * chance.uniform(0.6, 1),
        waves=(
            Wave(daily, DAY, peak),
            Wave(0.1, WEEK, chance.uniform(4.5, 6.5) * DAY),  # the epoch was a Thursday: weekdays are busier
            Wave(0.1, chance.uniform(2.5, 5) * 3_600, chance.uniform(0, DAY)),
            Wave(0.08, chance.uniform(25, 55) * 60, chance.uniform(0, DAY)),
        ),
        job_rate=chance.choice((0, 0.05, 0.12, 0.25)),
        job_start=chance.randrange(0, 5 * 3_600, 300),
        job_length=chance.randrange(600, 3_600, 60),
        key=chance.getrandbits(32),
    )
