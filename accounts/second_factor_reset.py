"""Turn off the second factor of a user who has lost it: asked by the user or support, approved by two staff members.

The user gets an email at each step, and each has a link that stops the request. The waiting time
(SECOND_FACTOR_RESET_HOURS) starts with the second approval. After it, the user finishes with the first factor (password
or DigitalOcean) and the link in the email.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.core.internal import ratelimit
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.core import signing
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from accounts import audit, lockout, notifications, security_events
from accounts.models import Event, SecondFactorReset, User

PERMISSION = "accounts.reset_second_factor"
FINISH, STOP = "finish", "stop"
"""What a link in an email does."""

_LIFETIME = timedelta(days=14)
"""A request expires after it, and an approved one if it is not finished within it."""
_LIMITS = {"reset_of_account": "3/d/key", "reset_from_network": "10/d/key"}

_NOT_YOURS = "You may not reset the second factor of this user."

_State = SecondFactorReset.State


class NotPossible(Exception):
    """The step is refused. The text is for the page."""


class _NotAllowed(NotPossible):
    """The staff member may not do this. It is recorded."""


def open_request(user: User) -> SecondFactorReset | None:
    return SecondFactorReset.objects.filter(
        user=user, state__in=SecondFactorReset.OPEN, expires_at__gt=timezone.now()
    ).first()


def can_be_emailed(user: User) -> bool:
    """Whether the user's address is confirmed. Without it, the user could neither finish nor stop a request."""
    found: bool = EmailAddress.objects.filter(user=user, email=user.email, verified=True).exists()
    return found


def ask(request: HttpRequest, user: User) -> bool:
    """Store the request of a user who has used the first factor. False if they, or their network, asked too often."""
    if open_request(user):
        return True
    network = lockout.network_of(get_adapter().get_client_ip(request))
    for action, key in (("reset_of_account", str(user.pk)), ("reset_from_network", network)):
        if not ratelimit.consume(request, app="accounts", action=action, key=key, config=_LIMITS):
            _record(user, "too many requests")
            return False
    _create(user, asked_from=network)
    return True


def begin(staff: User, email: str, reason: str) -> None:
    """Begin a request for a user who has called support. Raises NotPossible."""
    user = User.objects.filter(email=email.strip().lower(), is_active=True).first()
    if user is None or not is_mfa_enabled(user) or not can_be_emailed(user):
        raise NotPossible("No active account with a second factor and a confirmed email address has this address.")
    if not _may_reset(staff, user):
        _record(user, "not allowed", staff=staff)
        raise NotPossible(_NOT_YOURS)
    fields = {"state": _State.TAKEN, "taken_by": staff, "taken_at": timezone.now(), "reason": _checked(reason)}
    if not _create(user, staff=staff, **fields):
        raise NotPossible("This user has an open request already.")


def take(staff: User, pk: int, reason: str) -> None:
    """The first approval of a request that the user has made. Raises NotPossible."""
    reason = _checked(reason)
    with _step(pk, [_State.ASKED], staff) as reset:
        reset.state, reset.taken_by, reset.taken_at, reset.reason = _State.TAKEN, staff, timezone.now(), reason


def approve(staff: User, pk: int) -> None:
    """The second approval, by another staff member. The waiting time starts. Raises NotPossible."""
    with _step(pk, [_State.TAKEN], staff) as reset:
        if reset.taken_by == staff:
            raise _NotAllowed("You gave the first approval. Another staff member must give the second one.")
        _check_approval(reset.taken_by, reset.user)
        reset.state, reset.approved_by, reset.approved_at = _State.APPROVED, staff, timezone.now()
        reset.effective_at = reset.approved_at + timedelta(hours=settings.SECOND_FACTOR_RESET_HOURS)
        reset.expires_at = reset.effective_at + _LIFETIME


def refuse(staff: User, pk: int) -> None:
    """Raises NotPossible."""
    with _step(pk, SecondFactorReset.OPEN, staff) as reset:
        reset.state = _State.REFUSED


def finish(user: User, key: str) -> None:
    """Remove all second factors, passkeys too, and end all sessions. `user` has just used the first factor.

    Raises NotPossible.
    """
    found = find(key, FINISH)
    if found is None or found.user != user:
        raise NotPossible("This link does not belong to the account that you are logging in to.")
    with _step(found.pk, [_State.APPROVED]) as reset:
        if not reset.is_effective:
            raise NotPossible("The waiting time is not over yet.")
        for staff in (reset.taken_by, reset.approved_by):
            _check_approval(staff, user)
        Authenticator.objects.filter(user=user).delete()
        for session in UserSession.objects.filter(user=user):
            session.end()
        reset.state = _State.DONE


def stop(user: User, note: str = "link in an email") -> None:
    """Stop the user's open request, if there is one."""
    _close(SecondFactorReset.objects.filter(user=user), _State.STOPPED, note=note)


def expire() -> None:
    """End the requests that have expired."""
    expired = SecondFactorReset.objects.filter(expires_at__lte=timezone.now())
    _close(expired, _State.EXPIRED, actor="second_factor_reset")


def end_all(actor: str) -> None:
    """End all open requests: after a restore, nobody knows which of them their users have stopped since the backup."""
    _close(SecondFactorReset.objects.all(), _State.EXPIRED, actor=actor)


def find(key: str, purpose: str) -> SecondFactorReset | None:
    """The request of a signed link. One that finishes it is for the user's present email address only."""
    try:
        pk, address = signing.loads(key, salt=f"{__name__}.{purpose}")
    except signing.BadSignature:
        return None
    reset = SecondFactorReset.objects.select_related("user").filter(pk=pk).first()
    is_valid = reset and (purpose == STOP or address == security_events.hash_of(reset.user.email))
    return reset if is_valid else None


def _link(reset: SecondFactorReset, purpose: str) -> str:
    key = signing.dumps([reset.pk, security_events.hash_of(reset.user.email)], salt=f"{__name__}.{purpose}")
    return settings.BASE_URL + reverse(f"accounts:lost_phone_{purpose}", args=[key])


def _may_reset(staff: User | None, user: User) -> bool:
    """Whether this staff member may do it for this user: never for themselves, and only superusers for superusers."""
    return bool(
        staff
        and staff.is_staff
        and staff.has_perm(PERMISSION)  # False for an inactive user
        and staff != user
        and (staff.is_superuser or not user.is_superuser)
    )


def _check_approval(staff: User | None, user: User) -> None:
    """An approval does not count any more once its staff member has lost the permission or the account."""
    if not _may_reset(staff, user):
        raise NotPossible("A staff member who approved this may not do so any more. Support must begin again.")


def _checked(reason: str) -> str:
    reason = " ".join(reason.split())
    if not 10 <= len(reason) <= 500:
        raise NotPossible("Write the reason in 10 to 500 characters: how you know that it is the user who asks.")
    return reason


def _create(user: User, *, staff: User | None = None, **fields: object) -> bool:
    """Store a request and email the user. False if there is an open one, also where both came at the same moment."""
    expire()
    try:
        with transaction.atomic():
            reset = SecondFactorReset.objects.create(user=user, expires_at=timezone.now() + _LIFETIME, **fields)
            _record(user, reset.state, staff=staff)
    except IntegrityError:
        return False
    _email(reset)
    return True


@contextmanager
def _step(pk: int, states: Iterable[_State], staff: User | None = None) -> Iterator[SecondFactorReset]:
    """Lock a request in one of these states, store what the caller changes, and tell the user. Raises NotPossible."""
    try:
        with transaction.atomic():
            reset = (
                SecondFactorReset.objects.select_for_update(of=("self",))
                .select_related("user", "taken_by", "approved_by")
                .filter(pk=pk, state__in=states, expires_at__gt=timezone.now(), user__is_active=True)
                .first()
            )
            if reset is None:
                raise NotPossible("This request is in another state now. Nothing was changed.")
            if staff and not _may_reset(staff, reset.user):
                raise _NotAllowed(_NOT_YOURS)
            yield reset
            reset.save()
            _record(reset.user, reset.state, staff=staff)
    except _NotAllowed:
        if reset:
            _record(reset.user, "not allowed", staff=staff)
        raise
    _email(reset)


def _close(resets: QuerySet[SecondFactorReset], state: _State, *, note: str = "", actor: str = audit.PERSON) -> None:
    for reset in resets.filter(state__in=SecondFactorReset.OPEN).select_related("user"):
        with transaction.atomic():
            # The last step may be faster, or another stop.
            if not SecondFactorReset.objects.filter(pk=reset.pk, state__in=SecondFactorReset.OPEN).update(state=state):
                continue
            reset.state = state
            _record(reset.user, state, note=note, actor=actor)
        _email(reset)


def _email(reset: SecondFactorReset) -> None:
    """Email the user what has become of the request."""
    waiting_time = timedelta(hours=settings.SECOND_FACTOR_RESET_HOURS)
    notifications.send(
        "second_factor_reset",
        reset.user,
        reset=reset,
        hours=settings.SECOND_FACTOR_RESET_HOURS,
        earliest=timezone.now() + waiting_time,
        stop_url=_link(reset, STOP),
        finish_url=_link(reset, FINISH) if reset.state == _State.APPROVED else "",
        password_url=settings.BASE_URL + reverse("account_reset_password"),
    )


def _record(user: User, outcome: str, **more: Any) -> None:
    security_events.record(Event.Kind.SECOND_FACTOR_RESET, outcome, user=user, **more)
