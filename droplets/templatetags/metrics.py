"""Tags and filters for a droplet's charts: `{% load metrics %}`."""

from datetime import datetime

from django import template
from django.utils.html import format_html

from droplets.metrics import tables

register = template.Library()

_UNITS = ((3600, "hour"), (60, "minute"), (1, "second"))


for tag in (tables.columns, tables.rows, tables.legend, tables.summary):
    register.simple_tag(tag)


@register.filter
def when(moment: datetime) -> str:
    """“24 Nov, 14:05” of UTC, in a `<time>` that chart.js converts to the reader's time zone."""
    return format_html(
        '<time datetime="{}">{}</time>',
        f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        f"{moment.day} {moment:%b, %H:%M}",
    )


@register.filter
def duration(seconds: int) -> str:
    """“15 seconds”, “2 minutes”, “1 hour”."""
    count, unit = next((seconds // size, unit) for size, unit in _UNITS if seconds % size == 0)
    return f"{count} {unit}{'' if count == 1 else 's'}"
