"""The pages about an incident: whom it touched, the same as CSV, and the email to all of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import incident_emails, security_events
from accounts.decorators import SignedInRequest
from accounts.incident_models import IncidentEmail
from accounts.models import Event
from accounts.support.incidents import CSV_COLUMNS, Incident, IncidentForm, csv_rows, hung_actions, sentence_of
from accounts.support.views import render_desk
from accounts.tasks import send_incident_email
from common.spreadsheet import table
from common.tasks import enqueue

VIEW = "accounts.view_outcomeinterval"
_PER_PAGE = 50

may_view = permission_required(VIEW, raise_exception=True)
may_send = permission_required(incident_emails.PERMISSION, raise_exception=True)


class EmailForm(forms.Form):
    """What is written to the people. `number` is typed to confirm, and must be how many they are."""

    key = forms.UUIDField(widget=forms.HiddenInput)
    subject = forms.CharField(max_length=150, label="Subject")
    text = forms.CharField(
        max_length=5_000,
        label="Text",
        widget=forms.Textarea(attrs={"rows": 10}),
        help_text="Plain text, no links needed.",
    )
    number = forms.IntegerField(required=False, label="How many people?")

    def __init__(self, data: Any = None, *, people: int = 0, is_preview: bool = True, **more: Any) -> None:
        super().__init__(data, **more)
        self._people, self._is_preview = people, is_preview

    def clean_subject(self) -> str:
        return " ".join(self.cleaned_data["subject"].split())

    def clean_number(self) -> int | None:
        number: int | None = self.cleaned_data["number"]
        if not self._is_preview and number != self._people:
            raise forms.ValidationError(f"Type {self._people}: the number of people who get the email.")
        return number


@require_safe
@may_view
def incident(request: SignedInRequest) -> HttpResponse:
    """Whom it touched. Without a time, the last 24 hours."""
    form, found = _from_query(request)
    context: dict[str, Any] = {"title": "Incident", "form": form, "incident": found}
    if found:
        page = Paginator(found.intervals(request.user), _PER_PAGE).get_page(request.GET.get("page"))
        context |= {
            "page": page,
            "rows": [{"interval": each, "sentence": sentence_of(each)} for each in page.object_list],
            "counts": found.counts(request.user),
            "actions": hung_actions(found, request.user),
            "sent": IncidentEmail.objects.filter(incident=str(found)),
        }
    return render_desk(request, "admin/support/incident.html", context, 200 if found else 422)


@require_POST
@may_view
def incident_csv(request: SignedInRequest) -> HttpResponseBase:
    """The same as CSV; the audit log names who has downloaded it."""
    _, found = _from_query(request)
    if found is None:
        return redirect("admin:support_incident")
    security_events.record(Event.Kind.EXPORT, staff=request.user, note=f"list of the incident {found}")
    lines = table(CSV_COLUMNS, csv_rows(found.intervals(request.user)))
    answer = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="incident-{timezone.now():%Y-%m-%d}.csv"'
    return answer


@require_http_methods(["GET", "HEAD", "POST"])
@may_view
@may_send
def write(request: SignedInRequest) -> HttpResponse:
    """Write the email; then preview it; then confirm it by the number of people. Nothing is sent before."""
    _, found = _from_query(request)
    if found is None:
        return redirect("admin:support_incident")
    people = list(found.people(request.user).values_list("pk", flat=True))
    is_preview = "send" not in request.POST
    form = EmailForm(request.POST or None, people=len(people), is_preview=is_preview, initial={"key": uuid4()})
    context = {"title": "Email about an incident", "incident": found, "form": form, "people": len(people)}
    if not form.is_valid():
        is_again = form.is_bound and not is_preview and not {"subject", "text", "key"} & set(form.errors)
        if is_again:
            context["preview"] = _preview(request, form)
        return render_desk(request, "admin/support/incident_email.html", context, 422 if form.is_bound else 200)
    if is_preview:
        context["preview"] = _preview(request, form)
        return render_desk(request, "admin/support/incident_email.html", context)
    data = form.cleaned_data
    if IncidentEmail.objects.filter(pk=data["key"]).exclude(staff=request.user).exists():
        raise PermissionDenied
    incident_emails.confirm(
        data["key"], request.user, subject=data["subject"], text=data["text"], incident=str(found), people=people
    )
    enqueue(send_incident_email, data["key"])
    return redirect("admin:support_incident_email", data["key"])


@require_safe
@may_view
def email(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """How far the sending is."""
    found = get_object_or_404(IncidentEmail.objects.select_related("staff"), pk=pk)
    context = {"title": found.subject, "email": found, "progress": incident_emails.progress(found)}
    return render_desk(request, "admin/support/incident_sent.html", context)


def _preview(request: SignedInRequest, form: EmailForm) -> Any:
    data = form.cleaned_data
    return incident_emails.message(IncidentEmail(subject=data["subject"], text=data["text"]), request.user)


def _from_query(request: SignedInRequest) -> tuple[IncidentForm, Incident | None]:
    """The form, and the incident if the form is right."""
    if not any(request.GET.get(name) for name in ("start", "end")):
        found = Incident.of_last_hours()
        return IncidentForm(initial={"start": found.start, "end": found.end, "scope": found.scope}), found
    form = IncidentForm({"scope": "digitalocean", **request.GET.dict()})
    return form, Incident(**form.cleaned_data) if form.is_valid() else None
