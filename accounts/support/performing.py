"""Performs an act of support: once, recorded before it is done, and told to the user.

The user's row is locked while an act is recorded and changes the database. So of two staff members, or two clicks, one
comes first, and the other finds out what was done. Calls to DigitalOcean and emails follow the commit.
"""

import hashlib
from dataclasses import dataclass
from uuid import UUID

from django.contrib.humanize.templatetags.humanize import naturaltime
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from accounts import notifications, security_events
from accounts.models import Connection, SupportAct, User
from accounts.support.act import Act, ActRefused, Subject

REASON = (10, 200)
"""The shortest and the longest reason, in characters."""

_UNDER_WAY = "It is under way. Look again in a few seconds."


class BadReason(ActRefused):
    """The reason is missing, too short or too long."""


class Stale(ActRefused):
    """What the act is about has changed since the page was shown."""


@dataclass(frozen=True)
class Order:
    """What a staff member has confirmed on the page. `key` and `seen` are the page's own; `seen` is a `fingerprint`."""

    key: UUID
    act: Act
    staff: User
    person: int
    connection: UUID | None
    reason: str
    seen: str


@dataclass(frozen=True)
class Outcome:
    """What came of an act: a sentence, or a response to answer with."""

    text: str
    response: HttpResponseBase | None = None


def fingerprint(person: User, connection: Connection | None) -> str:
    """Differs once what an act would touch has changed. A refreshed token does not count."""
    if connection:
        seen = f"{connection.pk} {connection.state} {connection.connected_at.timestamp()}"
    else:
        teams = Connection.objects.filter(account__user=person).order_by("pk").values_list("pk", "connected_at")
        seen = f"{person.pk} {person.is_active} {person.email} {[(str(pk), at.timestamp()) for pk, at in teams]}"
    return hashlib.sha256(seen.encode()).hexdigest()[:16]


def perform(order: Order, request: HttpRequest) -> Outcome:
    """Do it, unless it was done already. Raises ActRefused: then nothing was done."""
    act, reason = order.act, _checked(order.reason)
    with transaction.atomic():
        person = User.objects.select_for_update(no_key=True).filter(pk=order.person).first()
        done = SupportAct.objects.filter(pk=order.key).first()
        if done:
            return Outcome(f"This was done already. {done.result or _UNDER_WAY}")
        subject = _subject(order, request, person, reason)
        SupportAct.objects.create(
            pk=order.key, kind=act.code, staff=order.staff, user=subject.person, connection_id=order.connection
        )
        security_events.record(
            act.event,
            user=subject.person,
            staff=order.staff,
            note=f"{act.label}: {reason}",
            subject=subject.connection,
        )
        finish = act.change(subject)
    result = finish()
    text = result if isinstance(result, str) else f"{act.label}: done."
    if act.told and _tell(subject, act):
        text = f"{text} The user was sent an email."
    SupportAct.objects.filter(pk=order.key).update(result=text[:300])
    return Outcome(text, None if isinstance(result, str) else result)


def _checked(reason: str) -> str:
    """The reason on one line, without the null character, which PostgreSQL refuses. Raises BadReason."""
    reason = " ".join(reason.replace("\0", " ").split())
    shortest, longest = REASON
    if not shortest <= len(reason) <= longest:
        raise BadReason(f"Write the reason in {shortest} to {longest} characters.")
    return reason


def _subject(order: Order, request: HttpRequest, person: User | None, reason: str) -> Subject:
    """What the act is on, as it is now. Raises ActRefused where it cannot be done, or was done a moment ago."""
    if person is None:
        raise ActRefused("This account no longer exists. Nothing was done.")
    same = SupportAct.objects.filter(kind=order.act.code, user=person, connection_id=order.connection)
    latest = same.filter(at__gt=timezone.now() - order.act.pause).select_related("staff").first()
    if latest:
        when = f"{latest.staff or 'Another staff member'} did this {naturaltime(latest.at)}"
        raise ActRefused(f"{when}: {latest.result or _UNDER_WAY} Nothing was done again.")
    connection = None
    if order.connection:
        connection = Connection.objects.for_user(person).filter(pk=order.connection).first()
        if connection is None:
            raise ActRefused("This team is no longer connected. Nothing was done.")
    if why_not := order.act.why_not(person, connection):
        raise ActRefused(f"{why_not} Nothing was done.")
    if fingerprint(person, connection) != order.seen:
        raise Stale("Something has changed since you opened this page. Nothing was done. Look again, then confirm.")
    return Subject(request, order.staff, person, connection, reason)


def _tell(subject: Subject, act: Act) -> bool:
    """Email the user what was done. Returns whether the mail server accepted it."""
    team = subject.connection.team_name if subject.connection else ""
    return notifications.send(
        "support_act",
        subject.person,
        label=act.label,
        told=act.told.format(team=team),
        at=timezone.now(),
        reason=subject.reason,
    )
