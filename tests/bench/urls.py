"""Conveyor's URLs, and a minimal view that renders the fleet's template with data that never changes."""

from __future__ import annotations

from threading import Lock
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import include, path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from conveyor.urls import handler400  # noqa: F401
from droplets.views import fleet

_lock = Lock()
_constant: tuple[str, dict[str, Any]] | None = None


@never_cache
@login_required
@require_safe
def constant(request: HttpRequest) -> HttpResponse:
    """The fleet page without its work: reads no fleet, searches nothing, makes no query except for the log-in."""
    template, context = _constant or _record(request)
    return render(request, template, context)


def _record(request: HttpRequest) -> tuple[str, dict[str, Any]]:
    """What the real view passes to its template; recorded once per process."""
    global _constant

    def record(request: HttpRequest, template: str, context: dict[str, Any], **more: Any) -> HttpResponse:
        global _constant
        _constant = template, context
        return render(request, template, context, **more)

    with _lock:
        fleet.render = record
        try:
            fleet.fleet(request)
        finally:
            fleet.render = render
    if _constant is None:
        raise RuntimeError("the fleet's view did not render a template")
    return _constant


urlpatterns = [path("bench/constant", constant), path("", include("conveyor.urls"))]
