"""Forms of the account pages."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import AddEmailForm
from allauth.account.forms import SignupForm as BaseSignupForm
from allauth.account.internal.flows.email_verification import send_verification_email_to_address
from allauth.account.models import EmailAddress
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.internal.cryptokit import normalize_user_code
from allauth.mfa import app_settings
from allauth.mfa.adapter import get_adapter as get_mfa_adapter
from allauth.mfa.base.forms import AuthenticateForm as BaseAuthenticateForm
from allauth.mfa.base.forms import ReauthenticateForm as BaseReauthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm as BaseActivateTOTPForm
from allauth.socialaccount.forms import SignupForm as BaseSocialSignupForm
from django import forms
from django.contrib import messages
from django.contrib.auth.hashers import make_password
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts import email_ownership
from accounts.models import User


class _TakesOverAddress(forms.Form):
    """Take the address from an account that has not confirmed it, before allauth looks for one with it."""

    def validate_unique_email(self, value: str) -> str:
        email_ownership.free_address(value)
        email: str = super().validate_unique_email(value)  # type: ignore[misc]  # of the form that this is mixed into
        return email


class SocialSignupForm(_TakesOverAddress, BaseSocialSignupForm):
    """Sign-up with DigitalOcean, where its email address cannot be used."""


class SignupForm(_TakesOverAddress, BaseSignupForm):
    """Sign-up takes the same time for a known email address, so that nobody can find out who has an account."""

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        if self.account_already_exists:
            make_password(self.cleaned_data["password1"])
        result: tuple[User | None, HttpResponse | None] = super().try_save(request)
        return result


class _CodeWorksOnce(forms.Form):
    """Accept each code once. allauth forgets used codes too early for MFA_TOTP_TOLERANCE, and ignores enrolment."""

    user: User

    def clean_code(self) -> str:
        code: str = super().clean_code()  # type: ignore[misc]  # of the form that this is mixed into
        seconds = app_settings.TOTP_PERIOD * (2 * app_settings.TOTP_TOLERANCE + 1)
        if not cache.add(f"accounts.used-code:{self.user.pk}:{normalize_user_code(code)}", True, timeout=seconds):
            raise get_mfa_adapter().validation_error("incorrect_code")
        return code


class ActivateTOTPForm(_CodeWorksOnce, BaseActivateTOTPForm):
    """Turn on two-factor authentication."""


class AuthenticateForm(_CodeWorksOnce, BaseAuthenticateForm):
    """The second factor at log-in."""


class ReauthenticateForm(_CodeWorksOnce, BaseReauthenticateForm):
    """The second factor as confirmation of an earlier log-in."""


class ChangeEmailForm(AddEmailForm):
    """The new address replaces the old one once it is confirmed, or at once if the old one was never confirmed.

    allauth would delete an unconfirmed old address and set `User.email` to "", which is unique: the second user to
    do so would get an IntegrityError.
    """

    user: User

    def clean_email(self) -> str:
        email: str = super().clean_email()
        if not email_ownership.is_confirmed(self.user) and User.objects.filter(email=email).exists():
            raise get_adapter().validation_error("email_taken")
        return email

    def save(self, request: HttpRequest) -> EmailAddress:
        if email_ownership.is_confirmed(self.user):
            return super().save(request)
        email = self.cleaned_data["email"]
        try:
            with transaction.atomic():
                EmailAddress.objects.filter(user=self.user).delete()
                address = EmailAddress.objects.create(user=self.user, email=email, primary=True)
                self.user.email = email
                self.user.save(update_fields=["email"])
        except IntegrityError:  # taken since clean_email
            messages.error(request, "This address is in use.")
            raise ImmediateHttpResponse(redirect("account_email")) from None
        send_verification_email_to_address(request, address)
        return address


class DeleteAccountForm(forms.Form):
    """To confirm, the user types the email address of the account, or "delete" if it has none."""

    email = forms.CharField(
        max_length=320,
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "email", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.expected = user.email.lower() if user.has_own_email else "delete"
        self.fields["email"].label = "Your email address" if user.has_own_email else 'The word "delete"'

    def clean_email(self) -> str:
        typed: str = self.cleaned_data["email"].strip().lower()
        if typed != self.expected:
            raise forms.ValidationError(f"Type {self.expected} to delete this account.")
        return typed
