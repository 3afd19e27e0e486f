"""CSV for spreadsheets, as RFC 4180 defines it, in UTF-8."""

import csv
import re
from collections.abc import Iterable, Iterator

_FORMULA = re.compile(r'(^|;)([ "]*[=+\-@\t\r\n＝＋－＠])')  # full-width, as spreadsheets take them
"""Spreadsheets take a cell that begins so for a formula: https://owasp.org/www-community/attacks/CSV_Injection"""


def table(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """The header, and a line for each row, safe for spreadsheets.

    The file begins with a byte order mark: without it spreadsheets do not read it as UTF-8.
    """
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow(columns)
    for row in rows:
        yield writer.writerow([_safe(cell) for cell in row])


class _Echo:
    """A file whose `write` returns the text, and so csv's `writerow` does."""

    def write(self, text: str) -> str:
        return text


def _safe(cell: object) -> object:
    """Numbers stay numbers; a text that looks like a formula gets an apostrophe in front.

    The same behind a semicolon, in quotes or not: in many languages spreadsheets begin a new cell there.
    """
    return _FORMULA.sub(r"\1'\2", cell) if isinstance(cell, str) else cell
