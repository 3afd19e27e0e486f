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
    """The new address replaces the old one once it is confirmed, or at once if the old one was never confirmed.

    allauth would delete an unconfirmed old address and set `User.email` to "", which is unique: the second user to
    do so would get an IntegrityError.
    """

    user: User

    def clean_email(self) -> str:
        email: str = super().clean_email()
        if not self._has_confirmed_address() and User.objects.filter(email=email).exists():
            raise get_adapter().validation_error("email_taken")
        return email

    def save(self, request: HttpRequest) -> EmailAddress:
        if self._has_confirmed_address():
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

    def _has_confirmed_address(self) -> bool:
        confirmed: bool = EmailAddress.objects.filter(user=self.user, verified=True).exists()
        return confirmed


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
