"""`signed_in` and `SignedInRequest`, for views that need a logged-in user."""

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
