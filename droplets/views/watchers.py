"""The pages of watchers."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import webhook_secrets
from accounts.decorators import SignedInRequest, shown_to_support, signed_in
from common.tasks import enqueue
from droplets.models import Watcher
from droplets.watchers import deliveries, tasks
from droplets.watchers import messages as watcher_messages
from droplets.watchers.forms import MOST, WatcherForm

_LOG_LENGTH = 50


def _watcher_of(request: SignedInRequest, pk: UUID) -> Watcher:
    return get_object_or_404(Watcher.objects.select_related("view", "user"), user=request.user, pk=pk)


@shown_to_support
@never_cache
@signed_in
@require_safe
def watchers(request: SignedInRequest) -> HttpResponse:
    """All watchers of a person."""
    rows = Watcher.objects.filter(user=request.user).select_related("view")
    context = {
        "watchers": rows,
        "most": MOST,
        "has_views": request.user.saved_views.exists(),
        "why_no_emails": deliveries.why_no_emails(request.user),
        "can_send_emails": deliveries.can_send_emails(),
    }
    return render(request, "droplets/watchers/list.html", context)


@never_cache
@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def add_watcher(request: SignedInRequest) -> HttpResponse:
    latest = Watcher.objects.filter(user=request.user).last()
    initial: dict[str, object] = {"view": request.GET.get("view", "")}
    if latest:  # most people live in one time zone
        initial |= {name: getattr(latest, name) for name in ("quiet_from", "quiet_to", "time_zone")}
    return _edit(request, Watcher(user=request.user), initial)


@never_cache
@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def watcher(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Change a watcher, and see what it has sent."""
    return _edit(request, _watcher_of(request, pk), {})


@never_cache
@signed_in
@require_POST
def renew_secret(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Make a new signing secret, and show it this once."""
    row = _watcher_of(request, pk)
    if not row.has_webhook:
        raise Http404
    secret = webhook_secrets.renew(row)
    row.save(update_fields=["secret"])
    return render(request, "droplets/watchers/secret.html", {"watcher": row, "secret": secret})


def _edit(request: SignedInRequest, row: Watcher, initial: dict[str, object]) -> HttpResponse:
    is_new = row._state.adding
    form = WatcherForm(
        request.POST if request.method == "POST" else None, instance=row, user=request.user, initial=initial
    )
    if request.method == "POST" and form.is_valid():
        try:
            form.store()
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, "The watcher is added." if is_new else "The changes are saved.")
            return redirect("droplets:watchers") if is_new else redirect("droplets:watcher", row.pk)
    context = {
        "form": form,
        "watcher": None if is_new else Watcher.objects.select_related("view").get(pk=row.pk),
        "deliveries": [] if is_new else row.deliveries.all()[:_LOG_LENGTH],
        "kept": deliveries.KEPT.days,
        "why_no_emails": deliveries.why_no_emails(request.user),
        "can_send_emails": deliveries.can_send_emails(),
    }
    return render(request, "droplets/watchers/edit.html", context, status=422 if form.errors else 200)


@never_cache
@signed_in
@require_POST
def delete_watcher(request: SignedInRequest, pk: UUID) -> HttpResponse:
    row = _watcher_of(request, pk)
    row.delete()
    messages.success(request, f"Deleted the watcher of “{row.view}”.")
    return redirect("droplets:watchers")


@never_cache
@signed_in
@require_POST
def pause_watcher(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Pause a watcher, or go on with it. What happens in between is not told."""
    row = _watcher_of(request, pk)
    row.is_paused = request.POST.get("on") != "1"
    row.start_again()
    if not row.is_paused and not row.channels:
        messages.error(request, "First choose how to tell you.")
        return redirect("droplets:watcher", row.pk)
    row.save(update_fields=["is_paused", "since", "state"])
    messages.success(request, "The watcher is paused." if row.is_paused else "The watcher is active again.")
    return redirect("droplets:watchers")


@never_cache
@signed_in
@require_POST
def test_watcher(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Send a test message by each channel of the watcher."""
    row = _watcher_of(request, pk)
    pks = deliveries.queue_test(row)
    for delivery in pks:
        enqueue(tasks.send_message, delivery)
    if pks:
        messages.success(request, "A test message is on its way. The log below shows how it ends.")
    else:
        messages.error(request, "You have sent many tests in this hour. Try again later.")
    return redirect("droplets:watcher", row.pk)


@never_cache
@csrf_exempt  # mail programs post too (RFC 8058); the signed key proves that the email was received
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, key: str) -> HttpResponse:
    """From the link in an email, without a log-in: GET asks, POST acts."""
    row = watcher_messages.find(key)
    if row is None:
        raise Http404
    if request.method == "POST":
        watcher_messages.unsubscribe(row)
    return render(request, "droplets/watchers/unsubscribe.html", {"watcher": row})
