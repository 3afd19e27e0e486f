"""Tags and filters for a droplet's charts: `{% load metrics %}`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django import template
from django.utils.html import format_html

from droplets.metrics import tables
from droplets.metrics.service import Chart

register = template.Library()

_UNITS = ((3600, "hour"), (60, "minute"), (1, "second"))


@register.simple_tag
def columns(chart: Chart) -> list[tables.Column]:
    return tables.columns(chart.data)


@register.simple_tag
def rows(chart: Chart) -> Iterator[tuple[datetime, list[str]]]:
    return tables.rows(chart.data)


@register.simple_tag
def legend(chart: Chart) -> list[tables.LegendEntry]:
    return tables.legend(chart.data)


@register.simple_tag
def summary(chart: Chart) -> list[tables.SummaryEntry]:
    return tables.summary(chart.data)


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
