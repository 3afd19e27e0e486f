"""View Conveyor as a user: what is shown, never what is sent or secret, for 15 minutes, with a reason.

The staff member stays logged in as themselves: the session keeps its user, and only says whose pages it is shown. So
the user's sessions and last log-in do not change. django-hijack logs the staff member in as the user instead: that ends
the staff member's own session, stores a session of the user, and would have to be kept from every page that acts.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from accounts import security_events
from accounts.models import Connection, Event, User
from accounts.support.act import Act, ActRefused, Finish, Subject, may_act_on

SECONDS = 15 * 60
"""How long a view lasts."""

PERMISSION = "accounts.see_as_user"

_KEY = "view_as"
"""In the session of the staff member: whose pages are shown, until when, and which view it is."""


@dataclass(frozen=True)
class View:
    """`staff` sees the pages of `person`, until `until` (seconds since 1970). `id` tells one view from the next."""

    id: UUID
    staff: User
    person: User
    until: float

    @property
    def until_at(self) -> datetime:
        return datetime.fromtimestamp(self.until, UTC)


def begin(request: HttpRequest, person: User) -> None:
    request.session[_KEY] = {"id": str(uuid4()), "person": person.pk, "until": time.time() + SECONDS}


def end(request: HttpRequest, staff: User, note: str) -> User | None:
    """End the view of this session, if there is one. Returns the user whose pages were shown, if they still exist."""
    data = request.session.pop(_KEY, None)
    person = User.objects.filter(pk=data["person"]).first() if data else None
    if person:
        security_events.record(Event.Kind.VIEW_AS, user=person, staff=staff, note=note)
    return person


def is_active(request: HttpRequest) -> bool:
    """Whether the session has a view, over or not. Asks for no session where the browser has sent none."""
    return bool(request.session.session_key) and _KEY in request.session


def current(request: HttpRequest, staff: User) -> View | None:
    """The view of this session; None once its time is over, or when it is no longer allowed."""
    data: dict[str, Any] = request.session[_KEY]
    person = User.objects.filter(pk=data["person"], is_active=True).first()
    is_over = not 0 <= data["until"] - time.time() <= SECONDS
    if is_over or person is None or not may_act_on(staff, person) or not staff.has_perm(PERMISSION):
        return None
    return View(UUID(data["id"]), staff, person, data["until"])


def staff_of(request: HttpRequest) -> User | None:
    """The staff member whose session has a view; None without one. Also on the pages of the view."""
    if not is_active(request):
        return None
    view: View | None = getattr(request, "view_as", None)
    return view.staff if view else request.user if request.user.is_authenticated else None


def _begin(subject: Subject) -> Finish:
    if is_active(subject.request):
        raise ActRefused("You are viewing Conveyor as a user already. End that first.")

    def show() -> HttpResponse:
        begin(subject.request, subject.person)
        return redirect(reverse("home"))

    return show


def _is_deactivated(person: User, connection: Connection | None) -> str:
    return "" if person.is_active else "The account is deactivated: its user sees nothing either."


VIEW_AS = Act(
    "view_as",
    "View as this user",
    "see_as_user",
    (
        f"For {SECONDS // 60} minutes you see the pages that the user sees. Teams are read from DigitalOcean for that, "
        "as for the user.",
        "You can change and send nothing, and see no secret: no exports, addresses of feeds, webhooks or pages about "
        "log-in and security.",
        "The user sees in the account history that support has looked, with your reason. Each page is recorded.",
    ),
    "",
    _begin,
    why_not=_is_deactivated,
    event=Event.Kind.VIEW_AS,
)
