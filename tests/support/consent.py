"""The sandbox's consent page, read as a browser would."""

from __future__ import annotations

from html.parser import HTMLParser


class ConsentForm(HTMLParser):
    """Reads the consent page's form as a browser would send it without a click in it."""

    def __init__(self) -> None:
        """Nothing read yet."""
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take the form's address and the values that it would send."""
        found = dict(attrs)
        if tag == "form":
            self.action = found.get("action") or ""
        elif tag == "input" and (found.get("type") == "hidden" or "checked" in found):
            self.fields[found.get("name") or ""] = found.get("value") or ""
