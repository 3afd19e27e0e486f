"""Jinja2, for the parts of pages that are repeated many times: Django's templates take six times as long for them.

These are in `templates/jinja2/`. All other templates are Django's. Both escape everything that is not marked as safe.
"""

from functools import partial
from typing import Any
from urllib.parse import quote

from django.contrib.humanize.templatetags.humanize import intcomma
from jinja2 import Environment, StrictUndefined

from common.templatetags import formats


def environment(**options: Any) -> Environment:
    """Jinja2's environment: `BACKEND` calls it with Django's options, autoescape among them."""
    options["undefined"] = StrictUndefined  # a misspelt name is an error, not an empty place
    env = Environment(**options)  # noqa: S701  # Django's backend sets autoescape to True
    env.filters |= {
        "age_text": formats.age_text,
        "disk": formats.disk,
        "encoded": partial(quote, safe=""),
        "intcomma": intcomma,
        "memory": formats.memory,
        "money": formats.money,
        "short_age": formats.short_age,
    }
    return env
