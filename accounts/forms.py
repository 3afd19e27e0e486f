"""Forms of the account pages."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import AddEmailForm
from allauth.account.internal.flows.email_verification import send_verification_email_to_address
from allauth.account.models import EmailAddress
from allauth.core.exceptions import ImmediateHttpResponse
from django import forms
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.shortcuts import redirect

from accounts.models import User


class ChangeEmailForm(AddEmailForm):
    """A new address takes the old one's place once it is proved; at once, where the old one never was.

    Left to itself allauth would drop an old one that was not proved and leave the user without any, which it writes
    as an empty text: the second user to do so would meet the first one's.
    """

    user: User

    def clean_email(self) -> str:
        email: str = super().clean_email()
        if not self._has_proved_one() and User.objects.filter(email=email).exists():
            raise get_adapter().validation_error("email_taken")
        return email

    def save(self, request: HttpRequest) -> EmailAddress:
        if self._has_proved_one():
            return super().save(request)
        email = self.cleaned_data["email"]
        try:
            with transaction.atomic():
                EmailAddress.objects.filter(user=self.user).delete()
                address = EmailAddress.objects.create(user=self.user, email=email, primary=True)
                self.user.email = email
                self.user.save(update_fields=["email"])
        except IntegrityError:  # taken since the check
            messages.error(request, "This address is taken.")
            raise ImmediateHttpResponse(redirect("account_email")) from None
        send_verification_email_to_address(request, address)
        return address

    def _has_proved_one(self) -> bool:
        proved: bool = EmailAddress.objects.filter(user=self.user, verified=True).exists()
        return proved


class DeleteAccountForm(forms.Form):
    """Typing the address is the pause before what cannot be undone; the word "delete", where there is none."""

    email = forms.CharField(
        max_length=320,
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "email", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.expected = user.email.lower() if user.has_own_email else "delete"
        self.fields["email"].label = "Your e-mail address" if user.has_own_email else 'The word "delete"'

    def clean_email(self) -> str:
        typed: str = self.cleaned_data["email"].strip().lower()
        if typed != self.expected:
            raise forms.ValidationError(f"Type {self.expected} to delete this account.")
        return typed
