"""Shows a staff member the pages of a user, and refuses everything else: see `accounts.support.view_as`.

Only a view that is marked with `accounts.decorators.shown_to_support` is shown, so a new page is closed until somebody
decides otherwise.
"""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect, HttpResponseClientRefresh

from accounts import security_events
from accounts.decorators import ENDS_VIEW, SHOWN
from accounts.models import Event
from accounts.support import view_as

HEADER = "X-View-As"
"""A page's own requests carry the id of the view that it was shown in (`hx-headers` in base.html)."""


class ViewAsMiddleware:
    """Behind allauth's and Conveyor's middleware, which know the staff member only."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponseBase:
        request.view_as = None
        if request.path_info.startswith((reverse("admin:index"), "/.well-known/")):  # nothing of a user is there
            return self.get_response(request)
        if not view_as.is_active(request) or not request.user.is_authenticated:
            # A part for a page of a view that has ended.
            return HttpResponseClientRefresh() if HEADER in request.headers else self.get_response(request)
        staff = request.user
        view = view_as.current(request, staff)
        if view is None:
            return _ended(request)
        if request.htmx and request.headers.get(HEADER) != str(view.id):
            return HttpResponseClientRefresh()
        request.view_as, request.user = view, view.person
        try:
            return self.get_response(request)
        finally:
            request.user = staff

    def process_view(self, request: Any, view: Callable[..., Any], args: Any, kwargs: Any) -> HttpResponse | None:
        if request.view_as is None or hasattr(view, ENDS_VIEW):
            return None
        if request.method not in ("GET", "HEAD") or not hasattr(view, SHOWN):
            return render(request, "accounts/not_in_view.html", status=403)
        if not request.htmx:
            security_events.record(
                Event.Kind.VIEW_AS, user=request.user, staff=request.view_as.staff, note=f"page {request.path}"[:150]
            )
        return None


def _ended(request: Any) -> HttpResponse:
    person = view_as.end(request, request.user, "ended by itself")
    messages.info(request, "You no longer view Conveyor as a user: the time is over, or it is not allowed any more.")
    url = reverse("admin:support_person", args=[person.pk]) if person else reverse("admin:index")
    return HttpResponseClientRedirect(url) if request.htmx else redirect(url)
