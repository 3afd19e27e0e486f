"""The front door, the health checks, and what every page is told."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.conf import settings
from django.contrib.sessions.exceptions import SessionInterrupted
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views import defaults
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from conveyor import caches

log = logging.getLogger(__name__)


def site(request: HttpRequest) -> dict[str, object]:
    """Template context of every page."""
    return {"sandbox_notice": settings.SANDBOX}


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What Conveyor is and how to start; who is signed in goes on to the fleet."""
    if request.user.is_authenticated:
        return redirect("droplets:fleet")
    return render(request, "home.html")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The page for status 400, except for a second click while a first one logs in or out.

    Logging in or out replaces the session. The second request did nothing wrong, and the first one did what it wanted.
    """
    if isinstance(exception, SessionInterrupted):
        return redirect("home")
    return defaults.bad_request(request, exception)


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process is up."""
    return HttpResponse("ok", content_type="text/plain")


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Database and cache answer: 200, else 503 with the name of what does not."""
    state = {"database": _works(_ask_database), "cache": _works(caches.ping)}
    return JsonResponse(state, status=200 if all(state.values()) else 503)


def _works(check: Callable[[], None]) -> bool:
    try:
        check()
    except Exception:
        log.exception("A readiness check failed")
        return False
    return True


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
