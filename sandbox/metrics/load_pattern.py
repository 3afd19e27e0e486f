"""How busy a droplet is: daily, weekly and shorter waves, a nightly job and some noise.

Work is computed as its sum since the epoch, in closed form. A counter is then the difference of two sums, for any
period, and never decreases.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

STEP = 120  # seconds from one sample to the next, as in the examples of the API reference
DAY, WEEK = 86_400, 604_800
RESERVE = 0.4  # share of the base rate that the waves leave, so that noise never makes work negative


@dataclass(frozen=True, slots=True)
class Wave:
    """One sine wave: `depth` as a share of the base rate, `period` and `shift` in seconds."""

    depth: float
    period: float
    shift: float

    def at(self, moment: float) -> float:
        """The wave at a time: between -depth and depth."""
        return self.depth * math.cos(math.tau * (moment - self.shift) / self.period)

    def sum(self, moment: float) -> float:
        """The integral of `at`."""
        return self.depth * self.period / math.tau * math.sin(math.tau * (moment - self.shift) / self.period)


@dataclass(frozen=True, slots=True)
class LoadPattern:
    """The load pattern of a droplet. `base` is the average busy share of all vCPUs without the nightly job."""

    base: float
    waves: tuple[Wave, ...]
    job_rate: float
    job_start: int  # seconds after midnight
    job_length: int  # seconds
    key: int

    def level(self, moment: float) -> float:
        """The sum of the waves at a time: 1 on average, always above 0."""
        return 1 + sum(wave.at(moment) for wave in self.waves)

    def work(self, moment: float) -> float:
        """Busy seconds since the epoch for one vCPU, without the job and without noise."""
        return self.base * (moment + sum(wave.sum(moment) for wave in self.waves))

    def jitter(self, slot: int) -> float:
        """The noise of `work` at sample number `slot`: never more than the least work in a step."""
        return self.base * RESERVE * STEP * self.noise(slot)

    def job(self, moment: float) -> float:
        """Busy seconds of the nightly job since the epoch, for one vCPU."""
        days, into = divmod(moment - self.job_start, DAY)
        return self.job_rate * (days * self.job_length + min(into, self.job_length))

    def noise(self, slot: int, salt: int = 0) -> float:
        """A pseudo-random number from 0 to 1, always the same for the same sample."""
        mixed = (slot * 2_654_435_761 + self.key + salt * 40_503) & 0xFFFFFFFF
        mixed = (mixed ^ mixed >> 15) * 2_246_822_519 & 0xFFFFFFFF
        mixed = (mixed ^ mixed >> 13) * 3_266_489_917 & 0xFFFFFFFF
        return (mixed ^ mixed >> 16) / 2**32


def create(seed: int, droplet_id: int) -> LoadPattern:
    """The load pattern of one droplet."""
    rng = random.Random(f"{seed}/rhythm/{droplet_id}")
    daily = rng.uniform(0.1, 0.32)
    peak = rng.gauss(14, 2.5) * 3_600
    return LoadPattern(
        base=rng.choice((0.02, 0.04, 0.08, 0.15, 0.3)) * rng.uniform(0.6, 1),
        waves=(
            Wave(daily, DAY, peak),
            Wave(0.1, WEEK, rng.uniform(4.5, 6.5) * DAY),  # the epoch was a Thursday: weekdays are busier
            Wave(0.1, rng.uniform(2.5, 5) * 3_600, rng.uniform(0, DAY)),
            Wave(0.08, rng.uniform(25, 55) * 60, rng.uniform(0, DAY)),
        ),
        job_rate=rng.choice((0, 0.05, 0.12, 0.25)),
        job_start=rng.randrange(0, 5 * 3_600, 300),
        job_length=rng.randrange(600, 3_600, 60),
        key=rng.getrandbits(32),
    )
