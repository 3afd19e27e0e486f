"""Template filters of the support desk. `{% load support %}`."""

from django import template

register = template.Library()

_IN_COLUMNS = ("address ", "staff ", "request ")


@register.filter
def note(detail: str) -> str:
    """An event's details without the parts that have columns of their own."""
    return ", ".join(part for part in detail.split(", ") if not part.startswith(_IN_COLUMNS))
