"""Whose tokens Conveyor uses while nobody looks."""

from __future__ import annotations

from datetime import timedelta

from allauth.account import app_settings
from allauth.account.models import EmailAddress
from django.db.models import Exists, OuterRef
from django.utils import timezone

from accounts.models import Connection, ConnectionQuerySet

LAST_LOGIN = timedelta(days=30)
"""A user who has not logged in for so long has no session any more, unless SESSION_MAX_DAYS is longer."""


def usable_connections() -> ConnectionQuerySet:
    """The connections that may be used without a request of their user.

    Not those of users who are deactivated, have not logged in for 30 days or, where addresses must be confirmed, have
    confirmed none; and not those that need to be reconnected.
    """
    found = Connection.objects.filter(
        state=Connection.State.HEALTHY,
        account__user__is_active=True,
        account__user__last_login__gte=timezone.now() - LAST_LOGIN,
    )
    if app_settings.EMAIL_VERIFICATION == app_settings.EmailVerificationMethod.MANDATORY:
        found = found.filter(Exists(EmailAddress.objects.filter(user=OuterRef("account__user"), verified=True)))
    return found
