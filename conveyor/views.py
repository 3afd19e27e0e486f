"""The front page, the health checks, and the context of every template."""

import logging
from collections.abc import Callable
from datetime import timedelta
from ipaddress import ip_address

from django.conf import settings
from django.contrib.sessions.exceptions import SessionInterrupted
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views import defaults
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.decorators import shown_to_support
from conveyor import caches

log = logging.getLogger(__name__)


def site(request: HttpRequest) -> dict[str, object]:
    """Context processor: what every template may use."""
    return {"sandbox_notice": settings.SANDBOX}


@shown_to_support
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The front page. People who are signed in are redirected to their fleet."""
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
    """200: the process is up. For any host; asks neither database nor cache."""
    return HttpResponse("ok", content_type="text/plain")


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when database and cache answer, else 503 with the name of what does not.

    For probes (`is_local`) and for staff. Everybody else gets a 404.
    """
    if not is_local(request) and not request.user.is_staff:
        raise Http404
    state = {"database": _works(_ask_database), "cache": _works(caches.ping)}
    return JsonResponse(state, status=200 if all(state.values()) else 503)


def is_local(request: HttpRequest) -> bool:
    """Whether the request came from this machine or a private network, and not through a proxy."""
    address = request.META.get("REMOTE_ADDR")
    if "HTTP_X_FORWARDED_FOR" in request.META:
        return False
    return not address or ip_address(address.partition("%")[0]).is_private  # no address: a Unix socket


@require_safe
def security_txt(request: HttpRequest) -> HttpResponse:
    """Where to report a security problem (RFC 9116). Expires half a year from now, as it is made for each request."""
    expires = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=180)
    lines = [
        f"Contact: {settings.SECURITY_CONTACT}",
        f"Expires: {expires.isoformat()}",
        f"Canonical: {settings.BASE_URL}{request.path}",
        "Preferred-Languages: en",
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


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
