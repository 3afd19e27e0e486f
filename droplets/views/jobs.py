"""The pages of jobs: select, confirm, follow, cancel, retry."""

from collections.abc import Sequence
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import reauthentication
from accounts.decorators import SignedInRequest, is_seen_by_support, shown_to_support, signed_in
from droplets.fleet import service as fleet_service
from droplets.fleet.items import FleetItem
from droplets.jobs import display, service
from droplets.jobs.kinds import JOB_KINDS
from droplets.models import Job, JobStep
from droplets.search.index import index_of
from droplets.search.query import Search

_PER_PAGE = 100


@shown_to_support
@never_cache
@signed_in
@require_safe
def jobs(request: SignedInRequest) -> HttpResponse:
    """All jobs of the person, the latest first."""
    found = Job.objects.filter(user=request.user).exclude(state=Job.State.DRAFT)
    page = Paginator(found, 50).get_page(request.GET.get("page"))
    return render(request, "droplets/jobs/jobs.html", {"page": page, "jobs": display.display_jobs(page.object_list)})


@never_cache
@signed_in
@require_POST
def select(request: SignedInRequest) -> HttpResponse:
    """Make a draft of the droplets that are selected in the fleet, and show what it would do."""
    kind = request.POST.get("kind", "")
    query = QueryDict(request.POST.get("query", ""))
    back = f"{reverse('droplets:fleet')}?{Search.from_query(query).query(page=Search.from_query(query).page)}"
    items = _selected(request, Search.from_query(query))
    if kind not in JOB_KINDS:
        messages.error(request, "Choose what to do with the droplets.")
    elif not items:
        messages.error(request, "Select at least one droplet.")
    elif len(items) > service.MOST:
        messages.error(request, f"A job can have {service.MOST:,} droplets at most. These are {len(items):,}.")
    else:
        return redirect("droplets:confirm_job", service.draft(request.user, kind, items).pk)
    return redirect(back)


@never_cache
@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: SignedInRequest, job: UUID) -> HttpResponse:
    """Show what a job would do; by POST, start it, once however often it is confirmed."""
    row = _job(request, job)
    if row.state != Job.State.DRAFT:
        return redirect("droplets:job", row.pk)
    if JOB_KINDS[row.kind].needs_recent_login:
        reauthentication.require(request)
    plan = service.plan(row)
    form = plan.form(request.POST if request.method == "POST" else None)
    is_sendable = form.is_bound and not form.is_stale and bool(plan.acted_on)
    if is_sendable and form.is_valid():
        service.confirm(plan, form)
        return redirect("droplets:job", row.pk)
    is_stale = form.is_stale
    if is_stale:
        form = plan.form()
    context = {
        "job": row,
        "plan": plan,
        "form": form,
        "kind": plan.kind,
        "title": display.title_of(row.kind, len(plan.acted_on)),
        "costs": display.costs(plan) if plan.acted_on else "",
        "is_stale": is_stale,
    }
    status = 409 if is_stale else 422 if form.is_bound else 200
    return render(request, "droplets/jobs/confirm.html", context, status=status)


@shown_to_support
@never_cache
@signed_in
@require_safe
def job(request: SignedInRequest, job: UUID) -> HttpResponse:
    """How far a job is, and what came of each droplet. An open page asks again for the part that changes."""
    row = _job(request, job)
    if row.state == Job.State.DRAFT:
        return redirect("droplets:confirm_job", row.pk)
    if row.state == Job.State.ENDED and request.method == "GET" and not is_seen_by_support(request):
        display.mark_shown([row])
    [found] = display.display_jobs([row])
    steps = JobStep.objects.filter(team__job=row).select_related("team", "action")
    chosen = request.GET.get("state", "")
    if chosen in JobStep.State.values:
        steps = steps.filter(state=chosen)
    context = {
        "found": found,
        "page": Paginator(steps, _PER_PAGE).get_page(request.GET.get("page")),
        "chosen": chosen,
        "badges": {each.key: each.badge for each in found.counts},
        "waits": row.teams.exclude(waits_for="").exclude(due_at=None),
    }
    template = "droplets/jobs/_job.html" if request.htmx else "droplets/jobs/job.html"
    return render(request, template, context)


@never_cache
@signed_in
@require_POST
def cancel(request: SignedInRequest, job: UUID) -> HttpResponse:
    """Cancel what has not been sent yet."""
    row = _job(request, job)
    count = service.cancel(row) if row.state == Job.State.RUNNING else 0
    if count:
        messages.success(request, f"Cancelled {count} droplet{'' if count == 1 else 's'}. What was sent goes on.")
    else:
        messages.info(request, "Nothing was left to cancel.")
    return redirect("droplets:job", row.pk)


@never_cache
@signed_in
@require_POST
def retry(request: SignedInRequest, job: UUID) -> HttpResponse:
    """Make a draft for the droplets that failed."""
    row = _job(request, job)
    again = service.retry(row) if row.state == Job.State.ENDED else None
    if again is None:
        messages.info(request, "No droplet that failed is in your fleet.")
        return redirect("droplets:job", row.pk)
    return redirect("droplets:confirm_job", again.pk)


@shown_to_support
@never_cache
@signed_in
@require_safe
def under_way(request: SignedInRequest) -> HttpResponse:
    """The part of every page's header that tells of jobs."""
    return render(request, "droplets/jobs/_header.html", {"is_part": True})


def _job(request: SignedInRequest, pk: UUID) -> Job:
    return get_object_or_404(Job.objects.select_related("user"), user=request.user, pk=pk)


def _selected(request: SignedInRequest, search: Search) -> Sequence[FleetItem]:
    """The droplets that the form selects: those ticked, or all of the page or of the search that it is on."""
    fleet = fleet_service.read_fleet(request.user, wait=False)
    which = request.POST.get("which", "ticked")
    if which == "ticked":
        ticked = set(request.POST.getlist("d"))
        return [item for item in fleet.items if f"{item.team.connection}:{item.droplet.id}" in ticked]
    found = index_of(request.user, fleet).find(search, fleet.unread_teams).items
    return found if which == "found" else list(Paginator(found, search.per_page).get_page(search.page))
