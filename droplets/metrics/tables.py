"""The table that a chart is drawn from, its legend and its summary, and how values are formatted."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Literal

from common.templatetags.formats import disk
from droplets.metrics.chart_data import EXACT, ChartData, Line, LineKind, Unit

_DECIMALS: dict[Unit, int] = {"%": 1, "Mbps": 3, "GB": 2, "": 2}
_NONE = "–"


@dataclass(frozen=True)
class Column:
    """`kind` is how it is drawn; "peak" is the highest of the column before it. `look` is the number of its style."""

    title: str
    kind: LineKind | Literal["peak"]
    line: Line
    look: int | None


@dataclass(frozen=True)
class LegendEntry:
    """A line in the legend and the number of its column. `latest` is empty without a current value; `amount` is what a
    percentage stands for."""

    name: str
    kind: str
    look: int | None
    column: int
    latest: str
    amount: str


@dataclass(frozen=True)
class SummaryEntry:
    """A line of the summary above the chart."""

    name: str
    latest: str
    average: str
    peak: str
    peak_at: datetime


def columns(data: ChartData) -> list[Column]:
    found = []
    looks = count()
    for line in data.lines:
        look = None if line.kind == "figure" else next(looks)
        unit = f", {line.unit}" if line.unit else ""
        found.append(Column(f"{line.name}{unit}", line.kind, line, look))
        if line.highest:
            found.append(Column(f"{line.name}, highest{unit}", "peak", line, look))
    return found


def rows(data: ChartData) -> Iterator[tuple[datetime, list[str]]]:
    """Each moment with a value for each column, newest first."""
    cells = []
    for line in data.lines:
        decimals = _DECIMALS[line.unit]
        cells.append([_cell(value, decimals) for value in line.values])
        if line.highest:
            cells.append([_cell(value, decimals) for value in line.highest])
    for place in reversed(range(len(data.moments))):
        yield moment(data.moments[place]), [column[place] for column in cells]


def legend(data: ChartData) -> list[LegendEntry]:
    """The lines that are drawn, in the order of the table."""
    return [
        LegendEntry(of.line.name, of.kind, of.look, number, _latest(of.line), _amount(of.line))
        for number, of in enumerate(columns(data))
        if of.kind in ("line", "layer")
    ]


def summary(data: ChartData) -> list[SummaryEntry]:
    """The leading lines."""
    return [
        SummaryEntry(
            line.name,
            _latest(line),
            format_value(line.average, line.unit),
            format_value(line.peak, line.unit),
            moment(line.peak_at),
        )
        for line in data.lines
        if line.leads
    ]


def format_value(thousandths: int, unit: Unit) -> str:
    """“12 %”, “0.35”, “1.24 Mbps”, “2.4 GB”: rounded for reading.

    >>> format_value(12_345, "%"), format_value(350, ""), format_value(4, "Mbps")
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
    return "" if line.latest is None else format_value(line.latest, line.unit)


def _amount(line: Line) -> str:
    """“26 GB of 77 GB”; empty where the size of 100 % is unknown."""
    if line.whole is None or line.latest is None:
        return ""
    return f"{disk(line.whole * line.latest / 100 / EXACT / EXACT)} of {disk(line.whole / EXACT)}"
