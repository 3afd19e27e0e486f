"""What a measure comes to: a figure, the bound that it is held to, and how far apart the rounds were."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Result:
    """One line of the table. `held` is None for what could not be measured, and `found` then says why."""

    what: str
    bound: str
    found: str
    spread: str = ""
    held: bool | None = None
    basis: str = ""

    @property
    def verdict(self) -> str:
        return {True: "held", False: "MISSED", None: "not measured"}[self.held]


def seconds(value: float) -> str:
    return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.3g} ms"


def per_second(value: float) -> str:
    return f"{value:.3g} a second"


def compared(
    what: str,
    measured: Sequence[float],
    against: Sequence[float],
    *,
    most: float | None = None,
    least: float | None = None,
    unit: Callable[[float], str] = seconds,
) -> Result:
    """How many times `against` `measured` is, by their medians: `most` at the most, or `least` at the least.

    Both were taken in turns, so the rounds' own ratios tell how far it spreads.
    """
    ratio = median(measured) / median(against)
    ratios = [one / other for one, other in zip(measured, against, strict=True)]
    return Result(
        what=what,
        bound=f"≥ {least:g} ×" if most is None else f"≤ {most:g} ×",
        found=f"{ratio:.2f} ×",
        spread=f"{min(ratios):.2f}–{max(ratios):.2f}",
        held=(most is None or ratio <= most) and (least is None or ratio >= least),
        basis=f"{unit(median(measured))} against {unit(median(against))}, {len(ratios)} rounds",
    )
