"""Requests of people who are signed in: the type of them, and the gate."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django_htmx.http import HttpResponseClientRefresh
from django_htmx.middleware import HtmxDetails

from accounts.users import User


class SignedInRequest(HttpRequest):
    """A request behind `signed_in`, or behind Django's `login_required`."""

    user: User
    htmx: HtmxDetails


View = Callable[..., HttpResponseBase]


def signed_in(view: View) -> View:
    """Django's `login_required`, for views that htmx asks too.

    A page whose session has ended is told to load anew, which leads to the log-in: the log-in page in the middle of
    what is open would help nobody.
    """

    @wraps(view)
    def guarded(request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.htmx and not request.user.is_authenticated:
            return HttpResponseClientRefresh()
        return login_required(view)(request, *args, **kwargs)

    return guarded
