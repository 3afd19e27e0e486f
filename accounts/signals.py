"""What has to happen however something came about."""

from __future__ import annotations

from typing import Any

from allauth.account.signals import user_logged_in
from allauth.socialaccount.models import SocialLogin, SocialToken
from django.db.models.signals import pre_delete
from django.http import HttpRequest

from accounts import callback, reauthentication, revocations, token_store
from accounts.models import Connection, User


def connect() -> None:
    pre_delete.connect(_enqueue_revocation, sender=SocialToken, dispatch_uid="accounts.owe_revocation")
    user_logged_in.connect(_after_login, dispatch_uid="accounts.after_login")


def _enqueue_revocation(sender: type[SocialToken], instance: SocialToken, **kwargs: Any) -> None:
    """A stored pair goes, by disconnect, account deletion or the admin: DigitalOcean is owed its revocation.

    Here, because the pair can still be read, and in the transaction that deletes it. The connection is locked and
    the pair read again, for a refresh may have stored another since `instance` was read; one that comes to its end
    later finds no row, and owes what it got.
    """
    connection = Connection.objects.select_for_update(of=("self",)).filter(token=instance).first()
    token = SocialToken.objects.select_related("account").filter(pk=instance.pk).first()
    pair = token_store.decrypt_pair(token, token.account.uid) if token else None
    if token and pair:
        revocations.enqueue(*pair, expires_at=token.expires_at, reason="disconnected", connection=connection)


def _after_login(request: HttpRequest, user: User, **kwargs: Any) -> None:
    reauthentication.note_login(request)
    login = kwargs.get("sociallogin")
    if isinstance(login, SocialLogin):
        callback.link_after_login(request, user, login)
