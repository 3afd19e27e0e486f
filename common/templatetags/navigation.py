"""Links to the parts of the site, in the header of every page."""

from typing import Any

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag(takes_context=True)
def where(context: dict[str, Any], view: str, *paths: str) -> str:
    """“page” on the page of this view, “true” below it or below one of `paths`, "" elsewhere: for `aria-current`.

    A part that htmx asks for belongs to the page that is open.
    """
    request, url = context["request"], reverse(view)
    here = getattr(getattr(request, "htmx", None), "current_url_abs_path", None) or request.path
    here = here.partition("?")[0]
    if here == url:
        return "page"
    return "true" if here.startswith((url, *paths)) else ""


@register.simple_tag(takes_context=True)
def part(context: dict[str, Any], view: str, text: str, *paths: str) -> SafeString:
    """A link to a part of the site, marked as `where` says."""
    if current := where(context, view, *paths):
        return format_html('<a href="{}" aria-current="{}">{}</a>', reverse(view), current, text)
    return format_html('<a href="{}">{}</a>', reverse(view), text)
