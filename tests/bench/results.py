"""The result of a benchmark: a figure, its bound, and how far the rounds differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Result:
    """One line of the table. If it could not be measured, `met` is None and `found` says why."""

    what: str
    bound: str
    found: str
    spread: str = ""
    met: bool | None = None
    basis: str = ""

    @property
    def verdict(self) -> str:
        return {True: "met", False: "MISSED", None: "not measured"}[self.met]


def seconds(value: float) -> str:
    return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.3g} ms"


def per_second(value: float) -> str:
    return f"{value:.3g} per second"


def compared(
    what: str,
    measured: Sequence[float],
    against: Sequence[float],
    *,
    most: float | None = None,
    least: float | None = None,
    unit: Callable[[float], str] = seconds,
) -> Result:
    """The ratio of the medians, `measured` by `against`; its bound is `most` (upper) or `least` (lower).

    Both were measured in turns, so the ratio of each round shows the spread.
    """
    ratio = median(measured) / median(against)
    ratios = [one / other for one, other in zip(measured, against, strict=True)]
    return Result(
        what=what,
        bound=f"≥ {least:g} ×" if most is None else f"≤ {most:g} ×",
        found=f"{ratio:.2f} ×",
        spread=f"{min(ratios):.2f}–{max(ratios):.2f}",
        met=(most is None or ratio <= most) and (least is None or ratio >= least),
        basis=f"{unit(median(measured))} vs {unit(median(against))}, {len(ratios)} rounds",
    )
