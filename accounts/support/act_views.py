"""The page on which a staff member confirms an act, with a reason."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts import reauthentication
from accounts.decorators import SignedInRequest, ends_view
from accounts.models import Connection, User
from accounts.support import acts, performing, view_as
from accounts.support.act import Act, ActRefused


@require_http_methods(["GET", "HEAD", "POST"])
def act(request: SignedInRequest, pk: int, code: str, connection: UUID | None = None) -> HttpResponseBase:
    """Ask for the reason, then do it. What came of it is a message on the person's page."""
    chosen = acts.ACTS.get(code)
    if chosen is None or (chosen.on == "connection") != (connection is not None):
        raise Http404
    person = User.objects.filter(pk=pk).first()
    if not request.user.has_perm(f"accounts.{chosen.permission}"):
        raise PermissionDenied
    if person and not acts.may_perform(request.user, chosen, person):
        raise PermissionDenied
    if chosen.is_destructive:
        reauthentication.require(request)
    if request.method == "POST":
        return _posted(request, chosen, pk, connection)
    if person is None:
        raise Http404
    return _page(request, chosen, person, connection)


def _posted(request: SignedInRequest, act: Act, pk: int, connection: UUID | None) -> HttpResponseBase:
    form = request.POST
    try:
        key = UUID(form.get("key", ""))
    except ValueError:
        key = uuid4()  # without the page's own key nothing tells a second click, but the page's state still counts
    reason = form.get("reason", "")
    order = performing.Order(key, act, request.user, pk, connection, reason, form.get("seen", ""))
    try:
        outcome = performing.perform(order, request)
    except (performing.BadReason, performing.Stale) as error:
        status = 422 if isinstance(error, performing.BadReason) else 409
        person = get_object_or_404(User, pk=pk)
        return _page(request, act, person, connection, status=status, error=str(error), reason=reason)
    except ActRefused as error:
        messages.error(request, str(error))
    else:
        if outcome.response:
            return outcome.response
        messages.success(request, outcome.text)
    if User.objects.filter(pk=pk).exists():
        return redirect("admin:support_person", pk)
    return redirect("admin:support_people")


def _page(
    request: SignedInRequest, act: Act, person: User, pk: UUID | None, *, status: int = 200, **more: str
) -> HttpResponse:
    connection = get_object_or_404(Connection.objects.for_user(person), pk=pk) if pk else None
    shortest, longest = performing.REASON
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": f"{act.label}: {connection or person}",
        "act": act,
        "person": person,
        "connection": connection,
        "why_not": act.why_not(person, connection),
        "key": uuid4(),
        "seen": performing.fingerprint(person, connection),
        "shortest": shortest,
        "longest": longest,
        **more,
    }
    return render(request, "admin/support/act.html", context, status=status)


@ends_view
@require_POST
def end_view(request: SignedInRequest) -> HttpResponse:
    """End "View as". Not behind the admin's checks: it must work though the second factor was used long ago."""
    staff = view_as.staff_of(request)
    if staff is None:
        raise Http404
    person = view_as.end(request, staff, "ended")
    return redirect("admin:support_person", person.pk) if person else redirect("admin:index")
