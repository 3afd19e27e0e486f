"""What Conveyor knows about a person, for that person: the account's history, and everything as a download."""

from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import FileResponse, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts import history, personal_data, security_events
from accounts.decorators import SignedInRequest, shown_to_support
from accounts.models import Event
from accounts.reauthentication import recent_login_required
from common.query import number


@shown_to_support
@login_required
@require_safe
def account_history(request: SignedInRequest) -> HttpResponse:
    """What happened to the account and its connections, the latest first."""
    show = request.GET.get("show", "")
    show = show if show in history.FILTERS else ""
    before, after = (number(request.GET.get(name, "")) for name in ("before", "after"))
    context = {
        "page": history.page(request.user, show=show, before=before, after=after),
        "filters": [(value, label) for value, (label, _) in history.FILTERS.items()],
        "show": show,
        "query": urlencode({"show": show}) + "&" if show else "",
    }
    return render(request, "accounts/history.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@recent_login_required
def data(request: SignedInRequest) -> HttpResponseBase:
    """Say what is stored; a POST downloads it."""
    if request.method != "POST":
        return render(request, "accounts/data.html", {"parts": personal_data.parts()})
    file = personal_data.archive(request.user)
    security_events.record(Event.Kind.EXPORT, user=request.user)
    name = f"conveyor-data-{timezone.now():%Y-%m-%d}.zip"
    return FileResponse(file, as_attachment=True, filename=name, content_type="application/zip")
