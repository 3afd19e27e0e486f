"""allauth adapters: the hooks in which Conveyor differs from allauth's defaults."""

import logging
from contextlib import suppress
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.internal import ratelimit
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialLogin
from allauth.socialaccount.providers.base import AuthError
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from accounts import callback, connections, email_ownership, emails, lockout, security_events
from accounts.error_pages import ErrorPage, for_error, stop
from accounts.models import Connection, Event, User
from accounts.users import is_released
from digitalocean_client.errors import DigitalOceanError

log = logging.getLogger(__name__)

_NOT_SENT = ErrorPage(
    "The email could not be sent",
    "Conveyor's mail server did not accept it. Wait a few minutes and try again. If you have just signed up, your "
    "account exists, and the next log-in sends the email again.",
    status=503,
)


_LIMITED = {"email_confirmation", "email_confirmation_signup", "account_already_exists"}
"""Templates of the emails that anybody can have sent to any address, by signing up or changing an address."""


class AccountAdapter(DefaultAccountAdapter):
    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        """Redirect to the log-in if a second tab or a double click created the account after the form's check."""
        try:
            with transaction.atomic():
                saved: User = super().save_user(request, user, form, commit)
                return saved
        except IntegrityError:
            raise ImmediateHttpResponse(redirect("account_login")) from None

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        """Confirm the address. Others who use the same address without having confirmed it lose it.

        Both happen in one transaction. False if another account confirms the address at the same moment.
        """
        revocations: list[UUID] = []
        try:
            with transaction.atomic():
                if email_address.can_set_verified():
                    revocations = email_ownership.discard_unconfirmed(email_address.email, keep=email_address.user)
                if not EmailAddress.objects.filter(pk=email_address.pk).exists():
                    raise IntegrityError("the address was taken away")
                confirmed: bool = super().confirm_email(request, email_address)
        except IntegrityError:
            self.add_message(
                request,
                messages.ERROR,
                "account/messages/email_confirmation_failed.txt",
                {"email": email_address.email},
            )
            return False
        connections.process_now(revocations)
        return confirmed

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Whom wrong passwords count for. allauth counts by address alone, so anybody could lock out its owner."""
        login = credentials.get("email", "").lower()
        return f"{login}:{lockout.origin(request, login, self.get_client_ip(request))}"

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Raises a validation error after too many wrong passwords, also where they come from many networks."""
        super().pre_authenticate(request, **credentials)
        login = credentials.get("email", "").lower()
        if lockout.is_known(request, login):
            return
        usage = ratelimit.consume(request, app="allauth.account", action="login_failed_address", key=login)
        if not usage:
            self._rollback_login_failed_rl_usage()
            raise self.validation_error("too_many_login_attempts")
        self._login_failed_rl_usage.usage += usage.usage

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **kwargs)
        lockout.remember_browser(response, user.email)
        return response

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Raises ImmediateHttpResponse, with an error page, if the mail server does not accept the email."""
        template = template_prefix.rpartition("/")[2]
        if is_released(email) or (template in _LIMITED and not self._may_confirm(email)):
            return
        # allauth builds links from the Host header, which whoever sent the request has chosen.
        links = {
            name: settings.BASE_URL + urlsplit(url)._replace(scheme="", netloc="").geturl()
            for name, url in context.items()
            if name.endswith("_url")
        }
        site = SimpleNamespace(domain=urlsplit(settings.BASE_URL).netloc, name="Conveyor")
        user = context.get("user") or User.objects.filter(email=email.lower()).first()
        context = {"request": self.request, "email": email, **context, **links, "current_site": site}
        message = self.render_mail(template_prefix, email, context)
        if not emails.send(message, template, user=user):
            raise stop(self.request, _NOT_SENT)

    def _may_confirm(self, email: str) -> bool:
        """Whether another such email may be sent. allauth counts by address alone: a stranger could use up all."""
        login = email.lower()
        origin = lockout.origin(self.request, login, self.get_client_ip(self.request))
        limits = {"confirm_email_origin": f"{login}:{origin}", "confirm_email_address": login}
        return all(
            ratelimit.consume(self.request, app="allauth.account", action=action, key=key, limit_get=True)
            for action, key in limits.items()
        )

    def validation_error(self, code: str, *args: Any) -> ValidationError:
        if code == "too_many_login_attempts":
            security_events.locked_out(self.request)
        error: ValidationError = super().validation_error(code, *args)
        return error

    def send_notification_mail(
        self, template_prefix: str, user: User, context: dict[str, Any] | None = None, email: str | None = None
    ) -> None:
        """Send it if possible: a notification that cannot be sent must not break what it reports."""
        with suppress(ImmediateHttpResponse):
            super().send_notification_mail(template_prefix, user, {"user": user, **(context or {})}, email)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """No in DigitalOcean's callback: allauth would store the login meanwhile. Our views ask before that."""
        if app == "allauth.socialaccount":
            return False
        required: bool = super().is_reauthentication_required(app=app, **kwargs)
        return required


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        callback.decide(request, sociallogin)

    def save_user(self, request: HttpRequest, sociallogin: SocialLogin, form: Any = None) -> User:
        """Sign-up with DigitalOcean: store the user, the connection and the tokens in one transaction."""
        try:
            with transaction.atomic():
                user: User = super().save_user(request, sociallogin, form)
                connections.link(sociallogin, user, sign_in=True)
                return user
        except connections.GrantExpired:
            raise stop(
                request,
                ErrorPage("That took too long", "The authorization has expired. Nothing was connected. Start again."),
            ) from None
        except (IntegrityError, connections.ConnectedElsewhere):
            connections.refuse(sociallogin, "two at once")
            raise stop(
                request,
                ErrorPage(
                    "This was done in another tab",
                    "The account already exists. Log in.",
                    "Log in",
                    reverse("account_login"),
                ),
            ) from None

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, error: Any = None, exception: Any = None, extra_context: Any = None
    ) -> None:
        cause = exception.__cause__ if exception else None
        if isinstance(cause, DigitalOceanError):
            raise stop(request, for_error(cause))
        if error == AuthError.CANCELLED:
            security_events.record(Event.Kind.REFUSED, "denied", user=security_events.user_of(request))
            return
        if extra_context and "state_id" in extra_context:
            raise stop(request, _unknown_state(request, extra_context["state_id"]))
        raise stop(
            request,
            ErrorPage(
                "DigitalOcean did not connect the team",
                "You came back without an authorization. Nothing was connected or changed. Start again from Conveyor.",
                status=400,
            ),
        )

    def validate_disconnect(self, account: SocialAccount, accounts: Any) -> None:
        connection = Connection.objects.filter(account=account).first()
        if connection and not connections.can_remove(connection):
            raise ValidationError(connections.ONLY_LOGIN)


def _unknown_state(request: HttpRequest, state_id: str | None) -> ErrorPage:
    if getattr(request, "oauth_state_expired", False):
        return ErrorPage(
            "That took longer than ten minutes",
            "For security, an authorization must be finished within ten minutes. Nothing was connected. Start again.",
            status=400,
        )
    return ErrorPage(
        "This link has already been used",
        "It works once, and only in the browser that started the authorization. If you have just connected a team, it "
        "is connected. Otherwise start again from Conveyor.",
        status=400,
    )
