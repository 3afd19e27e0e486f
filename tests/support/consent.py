"""Reads the form of the sandbox's consent page."""

from __future__ import annotations

from html.parser import HTMLParser


class ConsentForm(HTMLParser):
    """The form's fields as a browser would send them without any change."""

    def __init__(self) -> None:
        """Start without fields."""
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Store the form's URL and its fields."""
        found = dict(attrs)
        if tag == "form":
            self.action = found.get("action") or ""
        elif tag == "input" and (found.get("type") == "hidden" or "checked" in found):
            self.fields[found.get("name") or ""] = found.get("value") or ""
