"""`signed_in` and `SignedInRequest`, for views that need a logged-in user; which views support sees as a user."""

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

SHOWN, ENDS_VIEW = "shown_to_support", "ends_view"
"""Attributes of views: `shown_to_support` and `ends_view` below."""


def signed_in(view: View) -> View:
    """Django's `login_required`, also for htmx requests.

    If the session has ended, htmx reloads the whole page, which then redirects to the log-in. Otherwise the log-in page
    would appear inside the open page.
    """

    @wraps(view)
    def guarded(request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.htmx and not request.user.is_authenticated:
            return HttpResponseClientRefresh()
        return login_required(view)(request, *args, **kwargs)

    return guarded


def shown_to_support(view: View) -> View:
    """Mark a view that support may see with "View as". Without the mark it is refused.

    Its GET must change, send and download nothing, and show no secret.
    """
    setattr(view, SHOWN, True)
    return view


def ends_view(view: View) -> View:
    """Mark the view that ends "View as"."""
    setattr(view, ENDS_VIEW, True)
    return view


def is_seen_by_support(request: HttpRequest) -> bool:
    """Whether the page is shown to support, so that its owner has not seen it."""
    return getattr(request, "view_as", None) is not None
