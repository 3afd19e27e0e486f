"""The fleet's page."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.models import Connection
from accounts.request import SignedInRequest, signed_in
from droplets import fleet as fleets
from droplets.paging import page_of
from droplets.search import Search


@never_cache
@signed_in
@require_safe
def fleet(request: SignedInRequest) -> HttpResponse:
    """Every droplet of every connected team.

    An open page asks again with the `edition` that it shows: that request sees renewals through, and is answered with
    the page's part that changes, or with 204 where nothing has.
    """
    seen = request.GET.get("edition", "")
    found = fleets.read(request.user, wait=bool(seen))
    if request.htmx and seen == found.edition:
        answer = HttpResponse(status=204)
    else:
        search = Search.of(request.GET)
        result = found.catalog.find(search)
        page = page_of(result.items, search.page, search.per_page)
        template = "droplets/_fleet.html" if request.htmx else "droplets/fleet.html"
        answer = render(request, template, {"fleet": found, "search": search, "found": result, "page": page})
    answer["Renew-After"] = f"{found.renew_after:.1f}"
    patch_vary_headers(answer, ["HX-Request"])
    return answer


@never_cache
@signed_in
@require_POST
def renew(request: SignedInRequest, connection: UUID) -> HttpResponse:
    """Read a team again now, for whoever does not want to wait until it is tried again."""
    owned = get_object_or_404(Connection.objects.of(request.user), pk=connection)
    fleets.expire(owned)
    search = Search.of(QueryDict(request.POST.get("query", "")))
    return redirect(f"{reverse('droplets:fleet')}?{search.query(page=search.page)}")
