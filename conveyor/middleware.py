"""Conveyor's own middleware: health checks, headers of every response, limits and activity of sessions."""

import hashlib
from collections.abc import Callable
from datetime import timedelta

from allauth.account.adapter import get_adapter
from allauth.usersessions.middleware import UserSessionsMiddleware
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage
from django.core.cache import cache
from django.http import HttpRequest, HttpResponseBase, HttpResponseNotAllowed
from django.template.defaultfilters import pluralize
from django.utils import timezone
from django.utils.cache import patch_cache_control

from conveyor import views

GetResponse = Callable[[HttpRequest], HttpResponseBase]

ACTIVITY_INTERVAL = 60
"""Seconds between two checks of a session's limits, and two writes of its activity."""

_METHODS = ("GET", "HEAD", "POST")

_HEADERS = {
    "Permissions-Policy": ", ".join(
        f"{feature}=()" for feature in ("camera", "display-capture", "geolocation", "microphone", "payment", "usb")
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
}


def security_headers(get_response: GetResponse) -> GetResponse:
    """Adds the headers that neither Django nor django-csp sets, to static files too."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        for name, value in _HEADERS.items():
            response.setdefault(name, value)
        return response

    return middleware


def known_methods(get_response: GetResponse) -> GetResponse:
    """Refuses everything but GET, HEAD and POST: Django's and allauth's form views treat PUT like POST."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.method not in _METHODS:
            return HttpResponseNotAllowed(_METHODS)
        return get_response(request)

    return middleware


def no_store_when_logged_in(get_response: GetResponse) -> GetResponse:
    """Let no browser or proxy store a page of a logged-in user: some show a TOTP secret or recovery codes.

    A view that did not read the session shows nothing personal.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if request.session.accessed and request.user.is_authenticated:
            patch_cache_control(response, private=True, no_store=True)
        return response

    return middleware


def health_checks(get_response: GetResponse) -> GetResponse:
    """Answers health checks before Django looks at the host: probes use an address, such as 10.0.0.5, for it."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.path_info == "/healthz":
            return views.healthz(request)
        if request.path_info == "/readyz" and views.is_local(request):
            return views.readyz(request)
        return get_response(request)

    return middleware


class SessionActivityMiddleware(UserSessionsMiddleware):
    """Ends a session past SESSION_IDLE_DAYS or SESSION_MAX_DAYS; stores when and from where the others were last used.

    Both once a minute at most, because allauth writes a row for every request. A new address or browser is stored at
    once.
    """

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase
        key = request.session.session_key
        if key and not cache.get(mark := _activity_mark(request)):
            session = UserSession.objects.filter(session_key=key).first() if request.user.is_authenticated else None
            if session and (reason := _limit_reached(session)):
                session.end()
                logout(request)
                messages.info(request, reason)
            elif cache.add(mark, 1, ACTIVITY_INTERVAL):
                response = super().__call__(request)
                return response
        response = self.get_response(request)
        return response


def _activity_mark(request: HttpRequest) -> str:
    """The cache key that is set while this session's activity is stored."""
    ip, browser = get_adapter().get_client_ip(request), request.headers.get("User-Agent", "")
    # A hash, because a session's key opens the session.
    return f"activity:{hashlib.sha256(f'{request.session.session_key} {ip} {browser}'.encode()).hexdigest()}"


def _limit_reached(session: UserSession) -> str:
    """Why the session has to end, for its user; empty while it is within both limits.

    A session begins with a log-in. A change of the password begins a new one, with a new id.
    """
    now, idle, longest = timezone.now(), settings.SESSION_IDLE_DAYS, settings.SESSION_MAX_DAYS
    if now - session.last_seen_at > timedelta(days=idle):
        return f"You were logged out because you did not use Conveyor for {idle} day{pluralize(idle)}."
    if now - session.created_at > timedelta(days=longest):
        return f"You were logged out because your last log-in was more than {longest} day{pluralize(longest)} ago."
    return ""


class _HostCookieStorage(CookieStorage):
    cookie_name = "__Host-conveyor-messages"


class HostMessageStorage(FallbackStorage):
    """Django's message storage with a cookie that only this host can set: `__Host-` in the name. HTTPS only."""

    storage_classes = (_HostCookieStorage, SessionStorage)
