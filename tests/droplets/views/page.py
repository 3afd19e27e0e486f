"""What a person reads on a page, and what a test wants of it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from django.http import HttpResponse


class Page(HTMLParser):
    """`text` is all text with single spaces; `rows` the texts of the table's rows; `forms` (method, action)."""

    def __init__(self, answer: HttpResponse) -> None:
        super().__init__()
        self.status = answer.status_code
        self.html = answer.content.decode()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self._texts: list[str] = []
        self._rows: list[list[str]] = []
        self._in_row = False
        self.feed(self.html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.tags.append((tag, found))
        if tag not in ("a", "span", "bdi", "time", "strong", "b", "i"):
            self._texts.append(" ")
        if tag == "tr":
            self._rows.append([])
            self._in_row = True

    def handle_endtag(self, tag: str) -> None:
        if tag == "tr":
            self._in_row = False

    def handle_data(self, data: str) -> None:
        self._texts.append(data)
        if self._in_row:
            self._rows[-1].append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self._texts).split())

    @property
    def rows(self) -> list[str]:
        """Without the head's."""
        return [" ".join(" ".join(row).split()) for row in self._rows[1:]]

    @property
    def names(self) -> list[str]:
        """The droplets listed, by the title of their link."""
        return [attrs["title"] for tag, attrs in self.tags if tag == "a" and "clip" in attrs.get("class", "")]

    def with_class(self, name: str) -> list[tuple[str, dict[str, str]]]:
        return [(tag, attrs) for tag, attrs in self.tags if name in attrs.get("class", "").split()]

    def actions(self) -> list[str]:
        """Where the forms of the page post to."""
        return [attrs["action"] for tag, attrs in self.tags if tag == "form"]

    def droplets(self) -> list[str]:
        """The addresses of the droplets' pages."""
        links = (attrs["href"] for tag, attrs in self.tags if tag == "a")
        return [link for link in links if re.fullmatch(r"/droplets/[0-9a-f-]{36}/[0-9]+/", link)]
