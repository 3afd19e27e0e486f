"""The Activity page of all teams, its downloads, and its feed."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.decorators import SignedInRequest, shown_to_support, signed_in
from common.query import number
from droplets.changes import formats
from droplets.changes.search import CONVEYOR, ME, OUTSIDE, ChangeSearch, Timeline
from droplets.models import ActivityFeed, Change
from droplets.views.exports import download

_KINDS = [
    ("Changes", [(value, label) for value, label in Change.Kind.choices if value not in Change.ACTIONS]),
    ("Actions", [(kind.value, kind.label) for kind in Change.ACTIONS]),
]
"""For the filter: titles, and the kinds below each."""


@shown_to_support
@never_cache
@signed_in
@require_safe
def changes(request: SignedInRequest) -> HttpResponse:
    """What has changed in all teams, the latest first."""
    search, timeline = ChangeSearch.from_query(request.GET), Timeline(request.user)
    before, after = (number(request.GET.get(name, "")) for name in ("before", "after"))
    page = timeline.page(search, before=before, after=after)
    context: dict[str, Any] = {
        "timeline": timeline,
        "search": search,
        "page": page,
        "rows": rows_of(timeline, page.changes),
        "kinds": _KINDS,
        "people": [(ME, "You"), *((str(pk), email) for pk, email in timeline.colleagues.items())],
        "origins": [(CONVEYOR, "Anybody, in Conveyor"), (OUTSIDE, "Outside Conveyor")],
        "query": search.query(),
        "is_watched": settings.WATCH_MINUTES > 0,
    }
    return render(request, "droplets/changes/changes.html", context)


@never_cache
@signed_in
@require_safe
def download_changes(request: SignedInRequest, format: str) -> HttpResponseBase:
    """All changes that match, as csv or json."""
    search, timeline = ChangeSearch.from_query(request.GET), Timeline(request.user)
    name = f"activity-{timezone.now():%Y-%m-%d}.{format}"
    if format == "csv":
        return download(formats.csv_lines(timeline, search), "text/csv; charset=utf-8", name)
    return download(formats.json_lines(timeline, search), "application/json", name)


@never_cache
@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def feed_address(request: SignedInRequest) -> HttpResponse:
    """Show the address of the user's feed; a POST makes a new one, or removes it."""
    if request.method == "POST":
        if "remove" in request.POST:
            ActivityFeed.objects.filter(user=request.user).delete()
        else:
            ActivityFeed.renew(request.user)
        return redirect("droplets:feed_address")
    found = ActivityFeed.objects.filter(user=request.user).first()
    return render(request, "droplets/changes/feed.html", {"address": _address(found.secret) if found else ""})


@never_cache
@require_safe
def feed(request: HttpRequest, secret: str) -> HttpResponse:
    """The latest changes as an Atom feed, for whoever knows its address."""
    user = ActivityFeed.user_of(secret)
    if user is None:
        raise Http404
    text = formats.atom(Timeline(user), ChangeSearch.from_query(request.GET), _address(secret))
    return HttpResponse(text, content_type="application/atom+xml; charset=utf-8")


def rows_of(timeline: Timeline, found: list[Change]) -> list[dict[str, Any]]:
    """The changes as templates/droplets/changes/_table.html shows them."""
    return [{"change": each, "who": timeline.who(each), "connection": timeline.teams[each.team_key]} for each in found]


def _address(secret: str) -> str:
    return f"{settings.BASE_URL}{reverse('droplets:feed', args=[secret])}"
