"""Signal receivers: revoke a pair when it is deleted, connect a team after log-in, clean up after a password reset."""

from typing import Any

from allauth.account.signals import password_reset, user_logged_in
from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_reset, authenticator_used
from allauth.socialaccount.models import SocialLogin, SocialToken
from django.contrib import messages
from django.db.models.signals import post_delete, pre_delete
from django.http import HttpRequest

from accounts import (
    callback,
    email_ownership,
    outcomes,
    reauthentication,
    revocations,
    second_factor_reset,
    token_store,
)
from accounts.models import Connection, User


def connect() -> None:
    pre_delete.connect(_enqueue_revocation, sender=SocialToken, dispatch_uid="accounts.enqueue_revocation")
    post_delete.connect(_end_intervals, sender=Connection, dispatch_uid="accounts.end_intervals")
    password_reset.connect(_after_password_reset, dispatch_uid="accounts.after_password_reset")
    user_logged_in.connect(_after_login, dispatch_uid="accounts.after_login")
    for signal in (authenticator_used, authenticator_added, authenticator_reset, authenticator_removed):
        signal.connect(_stop_reset, dispatch_uid="accounts.stop_reset")


def _enqueue_revocation(sender: type[SocialToken], instance: SocialToken, **kwargs: Any) -> None:
    """Queue the revocation of a pair that is being deleted: by disconnect, account deletion or the admin.

    Here the pair can still be read, and the transaction is the one that deletes it. The connection is locked and the
    pair read again, because a refresh may have stored another one meanwhile. A refresh that ends later finds no row,
    and queues the revocation of its own pair.
    """
    connection = Connection.objects.select_for_update(of=("self",)).filter(token=instance).first()
    token = SocialToken.objects.select_related("account").filter(pk=instance.pk).first()
    pair = token_store.decrypt_pair(token, token.account.uid) if token else None
    if token and pair:
        revocations.enqueue(*pair, expires_at=token.expires_at, reason="disconnected", connection=connection)


def _end_intervals(sender: type[Connection], instance: Connection, **kwargs: Any) -> None:
    outcomes.end_all(instance.pk)


def _after_password_reset(request: HttpRequest, user: User, **kwargs: Any) -> None:
    if email_ownership.after_reset(user):
        messages.warning(
            request,
            "Your email address was not confirmed before. It is now. Everything that was attached to the account "
            "before was removed: connected teams, two-factor authentication and sessions.",
        )


def _after_login(request: HttpRequest, user: User, **kwargs: Any) -> None:
    reauthentication.note_login(request)
    login = kwargs.get("sociallogin")
    if isinstance(login, SocialLogin):
        callback.link_after_login(request, user, login)


def _stop_reset(user: User, **kwargs: Any) -> None:
    """Whoever uses or changes the second factor has not lost it."""
    second_factor_reset.stop(user, note="second factor used or changed")
