"""What a page says."""

from __future__ import annotations

import html
import re

from django.http import HttpResponse

from tests.support.stored import secrets_in


def text_of(answer: HttpResponse) -> str:
    """What a reader sees: the page without its tags, entities resolved, white space as it is shown."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", answer.content.decode())).split())


def says(answer: HttpResponse, *sentences: str) -> bool:
    """Whether a page holds all of these, in its text or its source, and nothing that looks like a token."""
    source, text = answer.content.decode(), text_of(answer)
    assert not secrets_in([source])
    for sentence in sentences:
        assert sentence in text or sentence in source, f"{sentence!r} is not on the page: {text}"
    return True
