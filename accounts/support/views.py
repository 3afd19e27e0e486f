"""The pages of the support desk: search, and a person."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from accounts import security_events
from accounts.decorators import SignedInRequest
from accounts.models import Event
from accounts.support import acts, search
from accounts.support.access import person_for
from accounts.support.person import context_for


@require_safe
def people(request: SignedInRequest) -> HttpResponse:
    """Search by any id, name or address. One person alone is shown at once."""
    words = search.Words.from_text(request.GET.get("q", ""))
    results = search.find(request.user, words)
    if len(results.people) == 1 and not results.events:
        return redirect("admin:support_person", results.people[0].person.pk)
    context = {"title": "Find a person", "words": words.text, "results": results}
    return render_desk(request, "admin/support/people.html", context)


@require_safe
def person(request: SignedInRequest, pk: int) -> HttpResponse:
    """All that support needs to know of a person. Each look is an event that names the staff member."""
    found = person_for(request.user, pk)
    if request.method == "GET":
        security_events.record(Event.Kind.STAFF_LOOK, user=found, staff=request.user)
    context = context_for(found, page=request.GET.get("page", ""))
    context |= {"title": found.email, "acts": acts.available(request, found)}
    return render_desk(request, "admin/support/person.html", context)


def render_desk(request: SignedInRequest, template: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    """A page of the desk, with the admin site's own context."""
    return render(request, template, {**admin.site.each_context(request), **context}, status=status)
