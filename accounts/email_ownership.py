"""Who owns an email address. An account that has not confirmed its address holds nothing.

Anybody can sign up with somebody else's address and wait. So a later sign-up replaces an account that never confirmed
it, a confirmation link works only in the browser that asked for it or with the account's password, and a password reset
by email removes what was attached before the address was confirmed.
"""

from datetime import datetime, timedelta
from uuid import UUID

from allauth.account import app_settings
from allauth.account.adapter import get_adapter
from allauth.account.internal.stagekit import get_pending_stage
from allauth.account.models import EmailAddress
from allauth.core import context
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.core.cache import cache
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts import audit, connections, lockout, security_events
from accounts.models import Connection, Event, User

_DOUBLE_CLICK = timedelta(seconds=10)
"""A second sign-up from the same network this soon is a double click or a second tab. It does not replace the first.

From other networks it does: else somebody who signs up again and again could keep the owner from signing up.
"""


def is_confirmed(user: User) -> bool:
    """Whether the user has confirmed any address."""
    confirmed: bool = EmailAddress.objects.filter(user=user, verified=True).exists()
    return confirmed


def free_address(email: str) -> None:
    """Before a sign-up: take the address from accounts that have not confirmed it. Without EMAIL_URL they keep it."""
    is_mandatory = app_settings.EMAIL_VERIFICATION == app_settings.EmailVerificationMethod.MANDATORY
    email = email.lower()
    if is_mandatory and not EmailAddress.objects.filter(email=email, verified=True).exists():
        client_ip = get_adapter().get_client_ip(context.request)
        key = salted_hmac("accounts.sign-up", f"{email} {lockout.network_of(client_ip)}").hexdigest()
        began_at = timezone.now()  # before the key is there: the other clicks of a double click join later than this
        is_first = cache.add(f"accounts.sign-up:{key}", True, _DOUBLE_CLICK.seconds)
        joined_before = began_at if is_first else began_at - _DOUBLE_CLICK
        connections.process_now(discard_unconfirmed(email, joined_before=joined_before))


def discard_unconfirmed(email: str, *, keep: User | None = None, joined_before: datetime | None = None) -> list[UUID]:
    """Take the address from every account that has not confirmed it, except `keep`.

    An account that has confirmed no address and that nobody has logged in to is deleted, and its teams are
    disconnected. An account that is in use (from a time without EMAIL_URL) only loses the address. Returns the
    revocations to process after the commit.
    """
    email = email.lower()
    revocations: list[UUID] = []
    with transaction.atomic():
        # Locked in one order: two who confirm one address at once would each wait for the other's row.
        list(EmailAddress.objects.select_for_update().filter(email=email).order_by("pk"))
        others = User.objects.filter(Q(email=email) | Q(emailaddress__email=email)).distinct()
        if joined_before:
            others = others.exclude(email=email, date_joined__gte=joined_before)
        for other in list(others.exclude(pk__in=[keep.pk] if keep else [])):
            if not is_confirmed(other) and other.last_login is None and not other.is_staff:
                revocations += connections.delete_user(other, actor="email_ownership")
                continue
            EmailAddress.objects.filter(user=other, email=email, verified=False).delete()
            if other.email == email and not is_confirmed(other):
                other.release_email()
    return revocations


def may_confirm(request: HttpRequest, user: User, password: str) -> bool:
    """Whether this visitor is the one who gave the address: the same browser, or the account's password.

    A new address of a confirmed account needs it too: otherwise somebody could enter another person's address there,
    and the owner's click on the link would give it to that account.
    """
    if request.user == user:
        return True
    stage = get_pending_stage(request)
    if stage and stage.login.user and stage.login.user.pk == user.pk:
        return True
    return bool(password) and user.check_password(password)


def after_reset(user: User) -> bool:
    """A password reset by email proves the address. Returns whether it was the first proof.

    Every session ends. A first proof also removes what was attached before, because another person may have done so.
    """
    for session in UserSession.objects.filter(user=user):
        session.end()
    if is_confirmed(user):
        return False
    revocations: list[UUID] = []
    with transaction.atomic():
        for connection in Connection.objects.for_user(user):
            audit.record(
                Event.Kind.DISCONNECT, connection, actor="email_ownership", user=user, detail="address first confirmed"
            )
            connection.account.delete()
            revocations += connections.pending_revocations([connection.pk])
        if Authenticator.objects.filter(user=user).delete()[0]:
            security_events.record(Event.Kind.TWO_FACTOR, user=user, note="off: address first confirmed")
        address = EmailAddress.objects.filter(user=user).first()
        if address and address.set_verified(commit=False):
            revocations += discard_unconfirmed(address.email, keep=user)
            address.set_as_primary(conditional=False)
            address.save()
    connections.process_now(revocations)
    return True
