"""The charts of a page, as a person reads them."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from datetime import datetime

from tests.droplets.views.page import Page

KEYS = ("cpu", "load", "memory", "disk", "public", "private")
METRIC = "/v2/monitoring/metrics/droplet"


@dataclass(frozen=True)
class Chart:
    """`rows` by moment, in seconds since the epoch, newest first; the cells as they are written."""

    text: str
    heads: list[str]
    rows: dict[int, list[str]]

    def column(self, head: str) -> dict[int, float]:
        """The figures of a column; what is none is left out."""
        at = self.heads.index(head)
        return {moment: float(cells[at]) for moment, cells in self.rows.items() if cells[at] != "–"}


def charts(page: Page) -> dict[str, Chart]:
    """Those that the page has, by key, with or without figures."""
    return {key: _chart(source) for key, source in re.findall(r'(?s)id="chart-(\w+)"(.*?)</section>', page.html)}


def _chart(source: str) -> Chart:
    rows = {}
    for row in re.findall(r"<tr><th scope=\"row\">(.*?)</tr>", source):
        moment = re.search(r'datetime="([^"]+)"', row)
        assert moment
        rows[int(datetime.fromisoformat(moment[1]).timestamp())] = re.findall("<td>(.*?)</td>", row)
    heads = [_text(head) for head in re.findall(r"(?s)<th [^>]*data-kind[^>]*>(.*?)</th>", source)]
    return Chart(_text(source.partition(">")[2]), heads, rows)


def _text(source: str) -> str:
    return " ".join(html.unescape(re.sub("<[^>]+>", "", source)).split())
