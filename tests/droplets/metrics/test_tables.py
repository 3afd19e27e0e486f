from __future__ import annotations

import pytest

from droplets.metrics import tables
from droplets.metrics.chart_data import ChartData, RawLine, Unit, downsample

END = 472_222 * 3_600


def made(*curves: RawLine) -> ChartData:
    return downsample(curves, end=END, bucket=3_600, most=10)


@pytest.mark.parametrize(
    ("thousandths", "unit", "words"),
    [
        (0, "%", "0 %"),
        (170, "%", "0.2 %"),
        (9_949, "%", "9.9 %"),
        (9_951, "%", "10 %"),
        (12_345, "%", "12 %"),
        (100_000, "%", "100 %"),
        (0, "", "0"),
        (350, "", "0.35"),
        (64_120, "", "64.1"),
        (0, "Mbps", "0 Mbps"),
        (4, "Mbps", "0.004 Mbps"),
        (1_239, "Mbps", "1.24 Mbps"),
        (17_650, "Mbps", "17.6 Mbps"),
        (1_234_567, "Mbps", "1,235 Mbps"),
        (2_440, "GB", "2.4 GB"),
        (2_048_000, "GB", "2 TB"),
    ],
)
def test_chart_data_are_as_exact_as_one_wants_to_read_them(thousandths: int, unit: Unit, words: str) -> None:
    assert tables.format_value(thousandths, unit).replace("\N{NO-BREAK SPACE}", " ") == words


def test_the_table_has_a_column_for_each_line_and_the_newest_row_first() -> None:
    found = made(
        RawLine("Busy", {END - 120: 12.34, END: 50}, kind="figure"),
        RawLine("User", {END - 120: 10}, kind="layer"),
        RawLine("1 minute", {END: 0.5}, unit=""),
    )

    assert [(each.title, each.kind, each.look) for each in tables.columns(found)] == [
        ("Busy, %", "figure", None),
        ("User, %", "layer", 0),
        ("1 minute", "line", 1),
    ]
    assert [(at.timestamp(), cells) for at, cells in tables.rows(found)] == [
        (END, ["50.0", "–", "0.50"]),
        (END - 120, ["12.3", "10.0", "–"]),
    ]


def test_averages_have_the_highest_beside_them() -> None:
    many = {END - 120 * place: float(place) for place in range(60)}

    found = made(RawLine("In", many, unit="Mbps"), RawLine("Out", many, unit="Mbps", has_highest=False))

    assert [(each.title, each.kind, each.look) for each in tables.columns(found)] == [
        ("In, Mbps", "line", 0),
        ("In, highest, Mbps", "peak", 0),
        ("Out, Mbps", "line", 1),
    ]
    assert [entry.column for entry in tables.legend(found)] == [0, 2]
    newest = next(tables.rows(found))
    assert newest[1] == ["0.000", "0.000", "0.000"]


def test_the_legend_says_what_a_share_comes_to() -> None:
    found = made(RawLine("/", {END: 25}, whole=80 * 2**30), RawLine("/mnt", {END - 3_000: 25}, whole=2**30))

    assert [(entry.name, entry.latest, entry.amount) for entry in tables.legend(found)] == [
        ("/", "25\N{NO-BREAK SPACE}%", "20 GB of 80 GB"),
        ("/mnt", "", ""),  # nothing is known of now
    ]


def test_the_summary_has_the_leading_lines() -> None:
    found = made(RawLine("1", {END - 120: 3, END: 1}, unit="", leads=True), RawLine("5", {END: 1}, unit=""))

    (told,) = tables.summary(found)
    assert (told.name, told.latest, told.average, told.peak) == ("1", "1.00", "2.00", "3.00")
    assert told.peak_at.timestamp() == END - 120
