"""The pages of actions: confirm and send one, follow its progress, list a droplet's activity."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import HttpResponseClientRefresh

from accounts import reauthentication
from accounts.decorators import SignedInRequest, shown_to_support
from accounts.models import Connection
from digitalocean_client import errors
from digitalocean_client.schema import Droplet
from droplets.actions import activity as activities
from droplets.actions import progress as progresses
from droplets.actions import sending
from droplets.actions.availability import Availability, availability_of
from droplets.actions.forms import ActionForm
from droplets.actions.kinds import KINDS, Kind
from droplets.calls import droplet as droplet_calls
from droplets.changes.search import Timeline
from droplets.fleet import problems
from droplets.models import Action
from droplets.views import droplet_page
from droplets.views.changes import rows_of


@droplet_page.of_droplet
@require_http_methods(["GET", "HEAD", "POST"])
def act(request: SignedInRequest, connection: Connection, droplet: int, kind: str) -> HttpResponse:
    """Show the confirmation page of an action; by POST, send the action, once however often the form is sent."""
    if kind not in KINDS:
        raise Http404
    if KINDS[kind].needs_recent_login:
        reauthentication.require(request)
    if request.method != "POST":
        return _confirm(request, connection, droplet, KINDS[kind])
    try:
        return _sent_before(request, connection) or _send(request, connection, droplet, KINDS[kind])
    except errors.NotFound:
        raise
    except errors.DigitalOceanError as error:
        context: dict[str, Any] = {"kind": KINDS[kind], "id": droplet, "trouble": problems.for_error(connection, error)}
        fields = [(name, value) for name, values in request.POST.lists() for value in values]
        context["fields"] = [(name, value) for name, value in fields if name != "csrfmiddlewaretoken"]
        return render(request, "droplets/actions/unsent.html", context, status=502)


@shown_to_support
@droplet_page.of_droplet
@require_safe
def progress(request: SignedInRequest, connection: Connection, droplet: int) -> HttpResponse:
    """The part of an open page that shows actions in flight. Once none is, the whole page is reloaded."""
    if not request.htmx:
        return redirect("droplets:detail", connection.pk, droplet)
    found = progresses.progress_of(connection, droplet)
    if not found.poll_after:
        return HttpResponseClientRefresh()
    if found.is_of_others:
        try:
            # Actions of colleagues are shown only to people who still have access at DigitalOcean.
            droplet_calls.fetch_droplet(connection, droplet)
        except errors.NotFound:
            return HttpResponseClientRefresh()
    return render(request, "droplets/detail/_progress.html", {"progress": found})


@shown_to_support
@droplet_page.of_droplet
@require_safe
def activity(request: SignedInRequest, connection: Connection, droplet: int) -> HttpResponse:
    """Who did what to a droplet, and with which result; also for a droplet that no longer exists."""
    found = activities.read_activity(connection, droplet, activities.page_number(request.GET.get("page", "")))
    timeline = Timeline(request.user)
    is_gone = isinstance(found.droplet, errors.NotFound)
    rows = rows_of(timeline, timeline.of_droplet(connection, droplet, is_gone=is_gone))
    context: dict[str, Any] = {"activity": found, "connection": connection, "id": droplet, "rows": rows}
    if is_gone and (found.entries or rows):
        known = rows[0]["change"].droplet_name if rows else ""
        context["name"] = progresses.progress_of(connection, droplet).name or known
        return render(request, "droplets/actions/past.html", context, status=404)
    if isinstance(found.droplet, errors.DigitalOceanError):
        raise found.droplet
    context |= droplet_page.head(connection, found.droplet, "activity")
    return render(request, "droplets/detail/activity.html", context)


def _confirm(request: SignedInRequest, connection: Connection, droplet: int, kind: Kind) -> HttpResponse:
    found, form = _form(connection, droplet, kind, None)
    available = _availability(connection, found, kind)
    return _page(request, connection, found, available, form, status=409 if available.why_not else 200)


def _send(request: SignedInRequest, connection: Connection, droplet: int, kind: Kind) -> HttpResponse:
    found, form = _form(connection, droplet, kind, request.POST)
    available = _availability(connection, found, kind)
    if not available.is_open or not form.is_valid():
        # The second request of a double click may find that the first one has just started the action.
        return _sent_before(request, connection) or _not_sent(request, connection, found, available, form)
    try:
        row = sending.begin(connection, found, kind, form.parameters(), key=form.cleaned_data["key"])
    except sending.NotAvailable as error:
        return _not_sent(request, connection, found, error.availability, form)
    if row.status == Action.Status.REFUSED:
        form.renew_key()
        return _page(request, connection, found, available, form, refusal=row, status=422)
    if row.kind == "destroy" and row.status == Action.Status.COMPLETED:
        messages.success(request, f"{row.droplet_name} is destroyed. {row.words}".strip())
        return redirect("droplets:fleet")
    return redirect("droplets:detail", connection.pk, droplet)


def _sent_before(request: SignedInRequest, connection: Connection) -> HttpResponse | None:
    """A redirect to the droplet, if this form was already sent."""
    key = ActionForm.key_in(request.POST)
    row = sending.known_by(connection, key) if key else None
    if row is None:
        return None
    messages.info(request, "This form was already sent, so nothing was sent again. Below is the result.")
    return redirect("droplets:detail", row.connection_id, row.droplet_id)


def _not_sent(
    request: SignedInRequest, connection: Connection, droplet: Droplet, available: Availability, form: ActionForm
) -> HttpResponse:
    """The form with all input, and the reason why nothing was sent."""
    if "key" in form.errors:
        form.renew_key()
    return _page(request, connection, droplet, available, form, status=422 if available.is_open else 409)


def _form(connection: Connection, droplet: int, kind: Kind, data: QueryDict | None) -> tuple[Droplet, ActionForm]:
    calls = {name: droplet_calls.call_for(droplet, call) for name, call in kind.form.calls.items()}
    found, answers = droplet_calls.fetch_droplet_with(connection, droplet, calls, for_action=True)
    return found, kind.form(data, droplet=found, answers=answers)


def _availability(connection: Connection, droplet: Droplet, kind: Kind) -> Availability:
    in_flight = Action.objects.of_droplet(connection, droplet.id).in_flight()
    return availability_of(kind, connection, droplet, in_flight)


def _page(
    request: SignedInRequest,
    connection: Connection,
    droplet: Droplet,
    available: Availability,
    form: ActionForm,
    *,
    status: int,
    refusal: Action | None = None,
) -> HttpResponse:
    context = {"availability": available, "kind": available.kind, "form": form, "refusal": refusal}
    return render(
        request, "droplets/actions/act.html", {**context, **droplet_page.head(connection, droplet, "")}, status=status
    )
