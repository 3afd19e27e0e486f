"""Cleaning of texts that people gave to DigitalOcean, before they are stored or shown."""

import re

_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def clean_text(text: str) -> str:
    """The text without control characters, direction overrides and lone surrogates; a line break or tab is a space.

    All else stays: joiners, direction marks and characters newer than this Python are parts of real names. What is
    removed reorders the text beside it (Unicode Standard Annex 9, section 2) or cannot be stored.
    """
    if text.isprintable():
        return text
    return _UNSAFE.sub(lambda found: " " if found[0].isspace() else "", text)
