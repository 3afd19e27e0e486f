"""Texts that DigitalOcean sends, and that people gave it."""

from __future__ import annotations


class Text(str):
    """A text from outside, made safe to show: control, format and bidi characters stand in it as "\ufffd"."""

    __slots__ = ()

    def __new__(cls, text: str) -> Text:
        if not text.isprintable():  # of all spaces only the ordinary one is
            text = "".join(c if c.isprintable() else " " if c.isspace() else "\ufffd" for c in text)
        return super().__new__(cls, text)
