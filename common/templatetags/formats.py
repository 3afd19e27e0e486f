"""Template filters for times, money, memory sizes and browsers. `{% load formats %}`."""

from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from django import template
from django.utils import timezone
from django.utils.html import format_html

from common import user_agents

register = template.Library()

# In seconds. A year is 365.25 days; a month is a twelfth of it.
_MINUTE, _HOUR, _DAY, _MONTH, _YEAR = 60, 3600, 86_400, 2_629_800, 31_557_600
_UNITS = (
    (_YEAR, "year", "y"),
    (_MONTH, "month", "mo"),
    (_DAY, "day", "d"),
    (_HOUR, "hour", "h"),
    (_MINUTE, "minute", "min"),
    (1, "second", "s"),
)

Number = int | float | Decimal


@register.filter
def ago(moment: datetime | None) -> str:
    """“12 seconds ago”, “in 2 hours”, as a `<time>` whose title is the exact time. Empty for None."""
    if moment is None:
        return ""
    seconds = (timezone.now() - moment).total_seconds()
    if abs(seconds) < 1:
        return _time(moment, "just now")
    count, unit, _ = _in_largest_unit(abs(seconds))
    words = f"{count} {unit}" if count == 1 else f"{count} {unit}s"
    return _time(moment, f"{words} ago" if seconds > 0 else f"in {words}")


@register.filter
def short_age(moment: datetime | None) -> str:
    """`ago` in short, for table columns: “2 y”, “3 d”, “5 h”, “12 min”. “0 s” for a time in the future."""
    return "" if moment is None else _time(moment, age_text(moment))


def age_text(moment: datetime | None) -> str:
    """The text of `short_age` alone, for places beside it."""
    if moment is None:
        return ""
    count, _, symbol = _in_largest_unit(max(0.0, (timezone.now() - moment).total_seconds()))
    return f"{count} {symbol}"


@register.filter
def day(moment: datetime | None) -> str:
    """“23 Dec”, with the year if it is not the current one, as a `<time>` like `ago`."""
    if moment is None:
        return ""
    local = timezone.localtime(moment)
    words = f"{local.day} {local:%b}"
    return _time(moment, words if local.year == timezone.localtime().year else f"{words} {local.year}")


@register.filter
def money(dollars: Number | None) -> str:
    """“$48.00”, or without cents from $1,000 on: “$9,418”. Empty for None."""
    if dollars is None:
        return ""
    cents = Decimal(str(dollars)).quantize(Decimal("0.01"), ROUND_HALF_UP)
    sign = "-" if cents < 0 else ""
    amount = abs(cents)
    if amount < 1000:
        return f"{sign}${amount}"
    return f"{sign}${amount.quantize(Decimal(1), ROUND_HALF_UP):,}"


@register.filter
def memory(megabytes: Number | None) -> str:
    """Megabytes as “512 MB”, “8 GB” or “3.1 TB”. 1 GB is 1024 MB, as DigitalOcean counts."""
    return _size(megabytes, ("MB", "GB", "TB", "PB"))


@register.filter
def disk(gigabytes: Number | None) -> str:
    """Gigabytes as “160 GB” or “1.2 TB”. 1 TB is 1024 GB, as DigitalOcean counts."""
    return _size(gigabytes, ("GB", "TB", "PB"))


@register.filter
def browser(user_agent: str) -> str:
    """The browser and system of a User-Agent header: “Firefox on Linux”."""
    return user_agents.describe(user_agent)


def _in_largest_unit(seconds: float) -> tuple[int, str, str]:
    for size, unit, symbol in _UNITS:
        if seconds >= size:
            return int(seconds // size), unit, symbol
    return 0, "second", "s"


def _time(moment: datetime, words: str) -> str:
    exact = timezone.localtime(moment)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.isoformat(timespec="seconds"),
        f"{exact.day} {exact:%b %Y, %H:%M:%S %Z}",
        words,
    )


def _size(amount: Number | None, units: tuple[str, ...]) -> str:
    """With one decimal below 10, else without. 1023.9 GB is 1 TB, not “1,024 GB”."""
    if amount is None:
        return ""
    size = float(amount)
    for unit in units[:-1]:
        shown = _rounded(size)
        if shown < 1024:
            return f"{shown:,} {unit}"
        size /= 1024
    return f"{_rounded(size):,} {units[-1]}"


def _rounded(size: float) -> int | float:
    shown = round(size, 1) if size < 10 else round(size)
    return int(shown) if shown == int(shown) else shown
