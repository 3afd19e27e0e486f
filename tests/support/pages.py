"""What a page says."""

from __future__ import annotations

import html
import re

from django.http import HttpResponse

from tests.support.stored import secrets_in


def text_of(answer: HttpResponse) -> str:
    """The page's source with entities resolved and white space as a reader sees it."""
    return re.sub(r"\s+", " ", html.unescape(answer.content.decode()))


def says(answer: HttpResponse, *sentences: str) -> bool:
    """Whether a page holds all of these, and nothing that looks like a token."""
    text = text_of(answer)
    assert not secrets_in([text])
    for sentence in sentences:
        assert sentence in text, f"{sentence!r} is not on the page:\n{text}"
    return True
