"""What support staff can do for a person: all acts, and which of them are offered on the person's page."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse

from accounts.models import Connection, User
from accounts.support.account_acts import ACCOUNT_ACTS
from accounts.support.act import Act, may_act_on
from accounts.support.connection_acts import CONNECTION_ACTS
from accounts.support.export_act import EXPORT
from accounts.support.view_as import VIEW_AS

ACTS = {act.code: act for act in (VIEW_AS, *CONNECTION_ACTS, *ACCOUNT_ACTS[:-1], EXPORT, ACCOUNT_ACTS[-1])}


@dataclass(frozen=True)
class Offer:
    """An act on the person's page: the link to its confirmation, and why it is not possible now, or empty."""

    act: Act
    url: str
    why_not: str


@dataclass(frozen=True)
class OfferGroup:
    """The acts on one team, or on the whole account, where `connection` is None; `closed` are not possible now."""

    connection: Connection | None
    offers: list[Offer]
    closed: list[Offer]


def may_perform(staff: User, act: Act, person: User) -> bool:
    return may_act_on(staff, person) and staff.has_perm(f"accounts.{act.permission}")


def url_of(act: Act, person: User, connection: Connection | UUID | None) -> str:
    if connection is None:
        return reverse("admin:support_act", args=[person.pk, act.code])
    pk = connection.pk if isinstance(connection, Connection) else connection
    return reverse("admin:support_connection_act", args=[person.pk, pk, act.code])


def available(request: HttpRequest, person: User) -> list[OfferGroup]:
    """What the staff member of this request may do for this person: on the account, then on each team."""
    staff: User = request.user  # type: ignore[assignment]  # the admin site lets nobody else in
    allowed = [act for act in ACTS.values() if may_perform(staff, act, person)]
    groups = [_group(person, None, [act for act in allowed if act.on == "account"])]
    for connection in Connection.objects.for_user(person):
        groups.append(_group(person, connection, [act for act in allowed if act.on == "connection"]))
    return [group for group in groups if group.offers or group.closed]


def _group(person: User, connection: Connection | None, acts: list[Act]) -> OfferGroup:
    offers = [
        Offer(
            act,
            url_of(act, person, connection),
            "" if act.is_checked_late else act.why_not(person, connection),
        )
        for act in acts
    ]
    return OfferGroup(
        connection,
        [offer for offer in offers if not offer.why_not],
        # Of two that exclude each other, like Deactivate and Reactivate, the one that changes nothing is not listed.
        [offer for offer in offers if offer.why_not and not offer.why_not.endswith(" already.")],
    )
