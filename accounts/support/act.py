"""What an act of support is made of, and on what it acts."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from django.http import HttpRequest, HttpResponseBase

from accounts.models import Connection, Event, User


class ActRefused(Exception):
    """The act is refused and nothing was done. The text is for the page."""


@dataclass(frozen=True)
class Subject:
    """One act of one staff member. `connection` is None where the act is on the whole account."""

    request: HttpRequest
    staff: User
    person: User
    connection: Connection | None
    reason: str


Finish = Callable[[], str | HttpResponseBase]
"""What follows the commit, like calls to DigitalOcean. Returns the result in a sentence for the staff member, or a
response: a file, or a redirect to another page."""


def nothing_against_it(person: User, connection: Connection | None) -> str:
    return ""


@dataclass(frozen=True)
class Act:
    """`change` runs in the transaction that records the act, and returns what follows the commit.

    `effects` are sentences for the confirmation page. `told` completes "Support has …" in the email to the user; with
    an empty one the act sends an email of its own. `why_not` is a sentence why the act is not possible, or empty.
    """

    code: str
    label: str
    permission: str
    effects: tuple[str, ...]
    told: str
    change: Callable[[Subject], Finish]
    on: Literal["account", "connection"] = "account"
    why_not: Callable[[User, Connection | None], str] = nothing_against_it
    is_destructive: bool = False
    """It revokes or deletes: it needs a recent log-in, and its button is red."""
    is_checked_late: bool = False
    """`why_not` takes a query, so the page with all acts does not ask; the confirmation does."""
    pause: timedelta = timedelta(minutes=1)
    """The same act on the same user or team within this time is a second click, whoever clicks."""
    event: Event.Kind = Event.Kind.STAFF_ACT


def may_act_on(staff: User, person: User) -> bool:
    """Never on themselves; on other staff only superusers. The permission of each act comes on top."""
    is_staff_member = person.is_staff or person.is_superuser
    return staff.is_active and staff.is_staff and staff != person and (staff.is_superuser or not is_staff_member)
