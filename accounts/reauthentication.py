"""The recent log-in that connecting, disconnecting and leaving ask for.

allauth counts only an explicit "enter your password again", which would greet everybody who has just signed up or
logged in. Here a complete log-in of this session (second factor included) counts for as long as that does.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account import app_settings
from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate
from allauth.core.exceptions import ReauthenticationRequired
from django.http import HttpRequest, HttpResponse

_SESSION_KEY = "logged_in_at"


def note_login(request: HttpRequest) -> None:
    """A log-in has just been completed."""
    request.session[_SESSION_KEY] = time.time()


def require(request: HttpRequest) -> None:
    """Raises ReauthenticationRequired, which allauth's middleware turns into the page that asks."""
    age = time.time() - request.session.get(_SESSION_KEY, 0)
    if not 0 <= age < app_settings.REAUTHENTICATION_TIMEOUT and not did_recently_reauthenticate(request):
        raise ReauthenticationRequired


def recent_login_required(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For views that change something; put it behind `login_required`."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        require(request)
        return view(request, *args, **kwargs)

    return guarded
