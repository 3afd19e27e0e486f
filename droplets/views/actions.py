"""The pages that ask before an action and do it, and what tells how actions go."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import HttpResponseClientRefresh

from accounts.decorators import SignedInRequest
from accounts.models import Connection
from digitalocean_client import errors
from digitalocean_client.schema import Droplet
from droplets.actions import activity as activities
from droplets.actions import availability, form_data, sending
from droplets.actions import progress as progresses
from droplets.actions.availability import Availability
from droplets.actions.forms import ActionForm
from droplets.actions.kinds import KINDS, Kind
from droplets.calls import droplet as droplet_calls
from droplets.fleet import problems
from droplets.models import Action
from droplets.views import droplet_page


@droplet_page.of_droplet
@require_http_methods(["GET", "HEAD", "POST"])
def act(request: SignedInRequest, connection: Connection, droplet: int, kind: str) -> HttpResponse:
    """Ask before an action, and do it: once, however often the form is sent."""
    if kind not in KINDS:
        raise Http404
    if request.method != "POST":
        return _ask(request, connection, droplet, KINDS[kind])
    try:
        return _sent_before(request, connection) or _do(request, connection, droplet, KINDS[kind])
    except errors.NotFound:
        raise
    except errors.DigitalOceanError as error:
        context = {"kind": KINDS[kind], "id": droplet, "trouble": problems.for_error(connection, error)}
        fields = [(name, value) for name, values in request.POST.lists() for value in values]
        kept = [(name, value) for name, value in fields if name != "csrfmiddlewaretoken"]
        return render(request, "droplets/actions/unsent.html", {**context, "kept": kept}, status=502)


@droplet_page.of_droplet
@require_safe
def progress(request: SignedInRequest, connection: Connection, droplet: int) -> HttpResponse:
    """For an open page: what is under way. Once nothing is, the page is loaded anew, for all of it has changed."""
    if not request.htmx:
        return redirect("droplets:detail", connection.pk, droplet)
    found = progresses.progress_of(connection, droplet)
    if not found.poll_after:
        return HttpResponseClientRefresh()
    if found.is_of_others:
        try:
            # What colleagues do is shown only to people whom DigitalOcean still lets in.
            droplet_calls.fetch_droplet(connection, droplet)
        except errors.NotFound:
            return HttpResponseClientRefresh()
    return render(request, "droplets/detail/_progress.html", {"progress": found})


@droplet_page.of_droplet
@require_safe
def activity(request: SignedInRequest, connection: Connection, droplet: int) -> HttpResponse:
    """What was done to a droplet, also to one that is gone, by whom, and what came of it."""
    found = activities.read_activity(connection, droplet, activities.page_number(request.GET.get("page", "")))
    context: dict[str, Any] = {"activity": found, "connection": connection, "id": droplet}
    if isinstance(found.droplet, errors.NotFound) and found.entries:
        context["name"] = progresses.progress_of(connection, droplet).name
        return render(request, "droplets/actions/past.html", context, status=404)
    if isinstance(found.droplet, errors.DigitalOceanError):
        raise found.droplet
    context |= droplet_page.head(connection, found.droplet, "activity")
    return render(request, "droplets/detail/activity.html", context)


def _ask(request: SignedInRequest, connection: Connection, droplet: int, kind: Kind) -> HttpResponse:
    found, form = _form(connection, droplet, kind, None)
    offer = _offer(connection, found, kind)
    return _page(request, connection, found, offer, form, status=409 if offer.why_not else 200)


def _do(request: SignedInRequest, connection: Connection, droplet: int, kind: Kind) -> HttpResponse:
    found, form = _form(connection, droplet, kind, request.POST)
    offer = _offer(connection, found, kind)
    if not offer.is_open or not form.is_valid():
        # Of a double click the second half may come to see what the first has just begun.
        return _sent_before(request, connection) or _asked_again(request, connection, found, offer, form)
    try:
        row = sending.begin(connection, found, kind, form.parameters(), key=form.cleaned_data["key"])
    except sending.NotOffered as error:
        return _asked_again(request, connection, found, error.offer, form)
    if row.status == Action.Status.REFUSED:
        form.renew_key()
        return _page(request, connection, found, offer, form, refusal=row, status=422)
    if row.kind == "destroy" and row.status == Action.Status.COMPLETED:
        messages.success(request, f"{row.droplet_name} is destroyed. {row.words}".strip())
        return redirect("droplets:fleet")
    return redirect("droplets:detail", connection.pk, droplet)


def _sent_before(request: SignedInRequest, connection: Connection) -> HttpResponse | None:
    """Where a form leads that was sent already."""
    key = ActionForm.key_in(request.POST)
    row = sending.known_by(connection, key) if key else None
    if row is None:
        return None
    messages.info(request, "This form was sent before, so nothing was sent again. This is what became of it.")
    return redirect("droplets:detail", row.connection_id, row.droplet_id)


def _asked_again(
    request: SignedInRequest, connection: Connection, droplet: Droplet, offer: Availability, form: ActionForm
) -> HttpResponse:
    """Nothing was sent, and the page says why, with all that was typed."""
    if "key" in form.errors:
        form.renew_key()
    return _page(request, connection, droplet, offer, form, status=422 if offer.is_open else 409)


def _form(connection: Connection, droplet: int, kind: Kind, data: QueryDict | None) -> tuple[Droplet, ActionForm]:
    found, answers = form_data.read_form_data(connection, droplet, kind)
    return found, kind.form(data, droplet=found, answers=answers)


def _offer(connection: Connection, droplet: Droplet, kind: Kind) -> Availability:
    return availability.availability_of(
        kind, connection, droplet, Action.objects.of_droplet(connection, droplet.id).in_flight()
    )


def _page(
    request: SignedInRequest,
    connection: Connection,
    droplet: Droplet,
    offer: Availability,
    form: ActionForm,
    *,
    status: int,
    refusal: Action | None = None,
) -> HttpResponse:
    context = {"offer": offer, "kind": offer.kind, "form": form, "refusal": refusal}
    return render(
        request,
        "droplets/actions/act.html",
        {**context, **droplet_page.head(connection, droplet, "")},
        status=status,
    )
