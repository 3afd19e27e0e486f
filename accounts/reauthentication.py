"""Recent log-in, required to connect or disconnect a team, to ask for write access and to delete the account.

For allauth only an explicit password confirmation is recent, so it would ask users who have just logged in. Here a
complete log-in of this session, second factor included, counts as well, for ACCOUNT_REAUTHENTICATION_TIMEOUT seconds.
"""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account import app_settings
from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate
from allauth.core.exceptions import ReauthenticationRequired
from django.http import HttpRequest, HttpResponseBase

_SESSION_KEY = "logged_in_at"


def note_login(request: HttpRequest) -> None:
    """Remember that the log-in of this session has just been completed."""
    request.session[_SESSION_KEY] = time.time()


def require(request: HttpRequest) -> None:
    """Raises ReauthenticationRequired without a recent log-in; allauth's middleware then asks for the password."""
    age = time.time() - request.session.get(_SESSION_KEY, 0)
    if not 0 <= age < app_settings.REAUTHENTICATION_TIMEOUT and not did_recently_reauthenticate(request):
        raise ReauthenticationRequired


def recent_login_required(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """`require` as a view decorator; put it below `login_required`."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        require(request)
        return view(request, *args, **kwargs)

    return guarded
