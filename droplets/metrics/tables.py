"""The table under a chart, which the chart is drawn from: its columns, its rows, and how figures are written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Literal

from common.templatetags.formats import disk
from droplets.metrics.figures import EXACT, Figures, Kind, Line, Unit

_DECIMALS: dict[Unit, int] = {"%": 1, "Mbps": 3, "GB": 2, "": 2}
_NONE = "–"


@dataclass(frozen=True)
class Column:
    """`kind` is how it is drawn: "peak" is the highest of the column before it. `look` numbers colour and dash."""

    title: str
    kind: Kind | Literal["peak"]
    line: Line
    look: int | None


@dataclass(frozen=True)
class Entry:
    """A line in the legend, and the number of its column. `latest` is nothing where there is no value of now; `amount`
    says what it comes to."""

    name: str
    kind: str
    look: int | None
    column: int
    latest: str
    amount: str


@dataclass(frozen=True)
class LegendEntry:
    """A line in the summary."""

    name: str
    latest: str
    average: str
    peak: str
    peak_at: datetime


def columns(figures: Figures) -> list[Column]:
    found = []
    looks = count()
    for line in figures.lines:
        look = None if line.kind == "figure" else next(looks)
        unit = f", {line.unit}" if line.unit else ""
        found.append(Column(f"{line.name}{unit}", line.kind, line, look))
        if line.highest:
            found.append(Column(f"{line.name}, highest{unit}", "peak", line, look))
    return found


def rows(figures: Figures) -> Iterator[tuple[datetime, list[str]]]:
    """Each moment with a figure for each column, newest first."""
    cells = []
    for line in figures.lines:
        decimals = _DECIMALS[line.unit]
        cells.append([_cell(value, decimals) for value in line.values])
        if line.highest:
            cells.append([_cell(value, decimals) for value in line.highest])
    for place in reversed(range(len(figures.moments))):
        yield moment(figures.moments[place]), [column[place] for column in cells]


def legend(figures: Figures) -> list[Entry]:
    """The lines that are drawn, in their order."""
    return [
        Entry(of.line.name, of.kind, of.look, number, _latest(of.line), _amount(of.line))
        for number, of in enumerate(columns(figures))
        if of.kind in ("line", "layer")
    ]


def summary(figures: Figures) -> list[LegendEntry]:
    """The lines that tell most."""
    return [
        LegendEntry(
            line.name,
            _latest(line),
            written(line.average, line.unit),
            written(line.peak, line.unit),
            moment(line.peak_at),
        )
        for line in figures.lines
        if line.leads
    ]


def written(thousandths: int, unit: Unit) -> str:
    """“12 %”, “0.35”, “1.24 Mbps”, “2.4 GB”: as exact as one wants to read it.

    >>> written(12_345, "%"), written(350, ""), written(4, "Mbps")
    ('12 %', '0.35', '0.004 Mbps')
    """
    value = thousandths / EXACT
    if unit == "GB":
        return disk(value)
    if unit == "%":
        text = f"{value:.0f}" if value >= 9.95 else f"{value:.1f}".removesuffix(".0")
    else:
        decimals = next((places for least, places in ((100, 0), (10, 1), (0.1, 2)) if value >= least), 3)
        text = f"{value:,.{decimals}f}" if value else "0"
    return f"{text}\N{NO-BREAK SPACE}{unit}".strip()


def moment(epoch: int) -> datetime:
    return datetime.fromtimestamp(epoch, UTC)


def _cell(thousandths: int | None, decimals: int) -> str:
    return _NONE if thousandths is None else f"{thousandths / EXACT:.{decimals}f}"


def _latest(line: Line) -> str:
    return "" if line.latest is None else written(line.latest, line.unit)


def _amount(line: Line) -> str:
    """“26 GB of 77 GB”, where it is known what 100 % are."""
    if line.whole is None or line.latest is None:
        return ""
    return f"{disk(line.whole * line.latest / 100 / EXACT / EXACT)} of {disk(line.whole / EXACT)}"
