"""The fleet's page, and the views of it that people save."""

from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.decorators import SignedInRequest, shown_to_support, signed_in
from accounts.models import Connection
from droplets.fleet import service as fleet_service
from droplets.jobs.kinds import JOB_KINDS
from droplets.models import SavedView
from droplets.search import saved_views
from droplets.search.index import index_of
from droplets.search.query import PAGE_SIZES, Search


@shown_to_support
@never_cache
@signed_in
@require_safe
def fleet(request: SignedInRequest) -> HttpResponse:
    """The droplets of every connected team that match the search.

    An open page asks again with the version that it shows, as `edition`. That request waits for reloads, and is
    answered with the part of the page that changes, or with 204 where nothing has changed.
    """
    search = Search.from_query(request.GET)
    seen = request.GET.get("edition", "")
    found = fleet_service.read_fleet(request.user, wait=bool(seen))
    if request.htmx and seen == found.version:
        answer = HttpResponse(status=204)
    else:
        answer = _page(request, found, search)
        if request.htmx and not seen:
            # A word that is typed is one entry in the browser's history, not one for each letter.
            before = Search.from_query(QueryDict(_query_of(request.htmx.current_url or "")))
            is_typing = before.q != search.q and not request.htmx.boosted
            answer["HX-Replace-Url" if is_typing else "HX-Push-Url"] = _address(search)
    # How many seconds later the open page asks again.
    answer["Renew-After"] = f"{found.reload_after:.1f}"
    patch_vary_headers(answer, ["HX-Request"])
    return answer


@never_cache
@signed_in
@require_POST
def reload_team(request: SignedInRequest, connection: UUID) -> HttpResponse:
    """Read a team again now, for a person who does not want to wait for the next try."""
    owned = get_object_or_404(Connection.objects.for_user(request.user), pk=connection)
    fleet_service.request_reload(owned)
    return redirect(_address(_posted_search(request)))


@never_cache
@signed_in
@require_POST
def save_view(request: SignedInRequest) -> HttpResponse:
    """Save the search of the page under a name."""
    search = _posted_search(request)
    form = saved_views.SaveForm(request.POST)
    if form.is_valid():
        name = form.cleaned_data["name"]
        try:
            replaced = saved_views.save(request.user, name, search)
        except ValidationError as error:
            form.add_error("name", error)
        else:
            done = "Replaced" if replaced else "Saved"
            messages.success(request, f"{done} the view “{name}”.")
            return redirect(_address(search))
    return _page(request, fleet_service.read_fleet(request.user, wait=False), search, form=form, status=422)


@never_cache
@signed_in
@require_POST
def delete_view(request: SignedInRequest, view: UUID) -> HttpResponse:
    """Delete a saved view, and with it its watchers. No droplet is touched."""
    saved = get_object_or_404(SavedView, user=request.user, pk=view)
    watchers = saved.watchers.count()
    saved.delete()
    more = f" and its {watchers} watcher{'' if watchers == 1 else 's'}" if watchers else ""
    messages.success(request, f"Deleted the view “{saved.name}”{more}.")
    return redirect(_address(_posted_search(request)))


def _page(request: SignedInRequest, found: fleet_service.Fleet, search: Search, **more: Any) -> HttpResponse:
    """The page, or for htmx the part of it that changes. `more` may have a `form` with errors, and a `status`."""
    result = index_of(request.user, found).find(search, found.unread_teams)
    context = {
        "fleet": found,
        "search": search,
        "found": result,
        "page": Paginator(result.items, search.per_page).get_page(search.page),
        "page_sizes": PAGE_SIZES,
        "views": saved_views.views_of(request.user),
        "query": search.query(page=search.page),
        "job_kinds": JOB_KINDS.values(),
        "form": more.get("form"),
    }
    is_part = request.htmx and not request.htmx.history_restore_request
    template = "droplets/_fleet.html" if is_part else "droplets/fleet.html"
    return render(request, template, context, status=more.get("status", 200))


def _query_of(url: str) -> str:
    try:
        return urlsplit(url).query
    except ValueError:  # a browser sends its own URL, but anybody can send a header
        return ""


def _posted_search(request: SignedInRequest) -> Search:
    """The search of the page that the form is on."""
    return Search.from_query(QueryDict(request.POST.get("query", "")))


def _address(search: Search) -> str:
    query = search.query(page=search.page)
    return f"{reverse('droplets:fleet')}{'?' if query else ''}{query}"
