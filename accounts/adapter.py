"""How allauth is told to behave: the hooks that Conveyor answers differently."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialLogin
from allauth.socialaccount.providers.base import AuthError
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.shortcuts import redirect
from django.urls import reverse

from accounts import callback, connections
from accounts.error_pages import ErrorPage, for_error, stop
from accounts.models import Connection, User
from accounts.users import is_released
from digitalocean_client.errors import DigitalOceanError

log = logging.getLogger(__name__)

_NOT_SENT = ErrorPage(
    "The e-mail could not be sent",
    "Conveyor's mail server did not take it. Nothing is lost: wait a few minutes and try again. If you have just "
    "signed up, your account is there, and logging in sends the e-mail again.",
    status=503,
)


class AccountAdapter(DefaultAccountAdapter):
    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        """A second tab or a double click may have taken the address between the form's check and now."""
        try:
            with transaction.atomic():
                saved: User = super().save_user(request, user, form, commit)
                return saved
        except IntegrityError:
            raise ImmediateHttpResponse(redirect("account_login")) from None

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        """Who proves to own an address has it: an account that never did gives it up, in the same transaction."""
        try:
            with transaction.atomic():
                if email_address.can_set_verified():
                    squatters = User.objects.filter(email=email_address.email).exclude(pk=email_address.user_id)
                    for squatter in squatters.select_for_update():
                        EmailAddress.objects.filter(user=squatter, email=email_address.email).delete()
                        squatter.release_email()
                confirmed: bool = super().confirm_email(request, email_address)
                return confirmed
        except IntegrityError:
            # Somebody else has proved it in this very moment.
            self.add_message(
                request,
                messages.ERROR,
                "account/messages/email_confirmation_failed.txt",
                {"email": email_address.email},
            )
            return False

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Raises ImmediateHttpResponse, with a page that says so, when the mail server does not take the letter."""
        if is_released(email):
            return
        try:
            super().send_mail(template_prefix, email, context)
        except OSError:
            log.exception("A letter could not be sent", extra={"letter": template_prefix})
            raise stop(self.request, _NOT_SENT) from None

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """Nobody waits for these: what they tell of has been done, with the letter or without."""
        with suppress(ImmediateHttpResponse):
            super().send_notification_mail(*args, **kwargs)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Not in DigitalOcean's callback, where asking would stash the login: our views ask before they leave."""
        if app == "allauth.socialaccount":
            return False
        required: bool = super().is_reauthentication_required(app=app, **kwargs)
        return required


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        callback.decide(request, sociallogin)

    def save_user(self, request: HttpRequest, sociallogin: SocialLogin, form: Any = None) -> User:
        """Sign-up with DigitalOcean: the user, the link and the pair in one transaction, or nothing of it."""
        try:
            with transaction.atomic():
                user: User = super().save_user(request, sociallogin, form)
                connections.link(sociallogin, user, sign_in=True)
                return user
        except connections.TookTooLong:
            raise stop(
                request,
                ErrorPage("That took too long", "The access was given back in the meantime. Please start again."),
            ) from None
        except (IntegrityError, connections.BelongsToAnother):
            connections.refuse(sociallogin, "two at once")
            raise stop(
                request,
                ErrorPage(
                    "This was done in another tab",
                    "The account exists already. Log in, and everything is there.",
                    "Log in",
                    reverse("account_login"),
                ),
            ) from None

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: Any,
        error: Any = None,
        exception: Any = None,
        extra_context: Any = None,
    ) -> None:
        cause = exception.__cause__ if exception else None
        if isinstance(cause, DigitalOceanError):
            raise stop(request, for_error(cause))
        if error == AuthError.CANCELLED:
            return
        if extra_context and "state_id" in extra_context:
            raise stop(request, _stale(request, extra_context["state_id"]))
        raise stop(
            request,
            ErrorPage(
                "DigitalOcean did not connect the team",
                "It sent you back without an authorization. Nothing was connected and nothing was changed. "
                "Start again from Conveyor.",
                status=400,
            ),
        )

    def validate_disconnect(self, account: SocialAccount, accounts: Any) -> None:
        connection = Connection.objects.filter(account=account).first()
        if connection and not connections.may_lose(connection):
            raise ValidationError(LAST_WAY_IN)


LAST_WAY_IN = "This is your only way to sign in. Set a password first, or switch on another team."


def _stale(request: HttpRequest, state_id: str | None) -> ErrorPage:
    if getattr(request, "oauth_state_expired", False):
        return ErrorPage(
            "That took longer than ten minutes",
            "For your safety Conveyor does not wait longer for an answer from DigitalOcean. Nothing was connected. "
            "Start again.",
            status=400,
        )
    return ErrorPage(
        "This link is used up",
        "An answer from DigitalOcean works once, and only in the browser that asked for it. If you have just connected "
        "a team, it is connected. Otherwise start again from Conveyor.",
        status=400,
    )
