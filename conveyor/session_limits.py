"""When a session ends: unused for SESSION_IDLE_DAYS, or older than SESSION_MAX_DAYS."""

import hashlib
from datetime import timedelta

from allauth.account.adapter import get_adapter
from allauth.usersessions.middleware import UserSessionsMiddleware
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.core.cache import cache
from django.http import HttpRequest, HttpResponseBase
from django.template.defaultfilters import pluralize
from django.utils import timezone

_INTERVAL = 60
"""Seconds between two checks of a session's limits, and two writes of its activity."""


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
            elif cache.add(mark, 1, _INTERVAL):
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
