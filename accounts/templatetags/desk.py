"""What the templates of the support desk show on many pages. `{% load desk %}`."""

from typing import Any

from django import template

from accounts.support.numbers import numbers_for

register = template.Library()


@register.inclusion_tag("admin/support/_numbers.html", takes_context=True)
def desk_numbers(context: dict[str, Any]) -> dict[str, Any]:
    """What is wrong now, with a link to each list."""
    return {"numbers": numbers_for(context["request"])}
