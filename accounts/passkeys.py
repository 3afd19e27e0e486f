"""Passkeys (WebAuthn): where allauth's forms and pages for them are not enough."""

from typing import Any

from allauth.account.utils import passthrough_next_redirect_url
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    EditWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from allauth.mfa.webauthn.views import LoginWebAuthnView, ReauthenticateWebAuthnView
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from fido2.webauthn import AuthenticationResponse, RegistrationResponse

from accounts import security_events
from accounts.models import Event, User

_NAME_LENGTH = 60


class _AnswerField(forms.JSONField):
    """What the browser's passkey has answered, as JSON. It must come from a page of BASE_URL.

    fido2 accepts pages of subdomains too, and allauth does not expect everything that malformed answers raise.
    """

    def __init__(self, kind: type[AuthenticationResponse] | type[RegistrationResponse]) -> None:
        super().__init__(widget=forms.HiddenInput)
        self.kind = kind

    def clean(self, value: Any) -> Any:
        answer = super().clean(value)
        try:
            is_ours = self.kind.from_dict(answer).response.client_data.origin == settings.BASE_URL
        except Exception:  # fido2's parsers raise many kinds
            is_ours = False
        if not is_ours or "\\u0000" in value:  # PostgreSQL stores no null character in JSON
            raise ValidationError("malformed")
        return answer


class _PasskeyForm(forms.Form):
    """Says and records that a passkey was refused; allauth speaks of codes and records nothing."""

    user: User | None

    def add_error(self, field: str | None, error: Any) -> None:
        if field == "name":
            super().add_error(field, error)
        elif error.code == "too_many_login_attempts":
            super().add_error(None, error)
        else:
            if error.code != "required":
                self.note_refusal()
            super().add_error(None, "This passkey was not accepted. Try again.")

    def note_refusal(self) -> None:
        security_events.record(Event.Kind.TWO_FACTOR, "wrong passkey", user=self.user)


class AddPasskeyForm(_PasskeyForm, AddWebAuthnForm):
    """Add a passkey to the account."""

    credential = _AnswerField(RegistrationResponse)
    name = forms.CharField(required=False, max_length=_NAME_LENGTH)
    passwordless = forms.BooleanField(required=False, initial=True)


class RenamePasskeyForm(EditWebAuthnForm):
    """Rename a passkey."""

    name = forms.CharField(max_length=_NAME_LENGTH)


class AuthenticatePasskeyForm(_PasskeyForm, AuthenticateWebAuthnForm):
    """The second factor at log-in."""

    credential = _AnswerField(AuthenticationResponse)


class ReauthenticatePasskeyForm(_PasskeyForm, ReauthenticateWebAuthnForm):
    """A passkey as confirmation of an earlier log-in."""

    credential = _AnswerField(AuthenticationResponse)


class LoginPasskeyForm(_PasskeyForm, LoginWebAuthnForm):
    """Log-in with a passkey alone."""

    credential = _AnswerField(AuthenticationResponse)

    def note_refusal(self) -> None:
        security_events.record(Event.Kind.LOG_IN, "wrong passkey")


class LoginWithPasskey(LoginWebAuthnView):
    """allauth's log-in, which after a refused passkey still knows the page that the person wanted."""

    def form_invalid(self, form: forms.Form) -> HttpResponse:
        messages.error(self.request, " ".join(map(str, form.non_field_errors())))
        return redirect(passthrough_next_redirect_url(self.request, reverse("account_login"), REDIRECT_FIELD_NAME))


class ReauthenticateWithPasskey(ReauthenticateWebAuthnView):
    """allauth's page, which is shown again after a refused passkey."""

    def form_invalid(self, form: forms.Form) -> HttpResponse:
        messages.error(self.request, " ".join(map(str, form.non_field_errors())))
        return redirect(self.passthrough_next_url(self.request.path))
