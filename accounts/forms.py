"""Forms of the account pages."""

from __future__ import annotations

from typing import Any

from django import forms

from accounts.models import User


class DeleteAccountForm(forms.Form):
    """Typing the address is the pause before what cannot be undone."""

    email = forms.CharField(
        label="Your e-mail address",
        max_length=320,
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "email", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_email(self) -> str:
        typed: str = self.cleaned_data["email"].strip().lower()
        if typed != self.user.email.lower():
            raise forms.ValidationError(f"Type {self.user.email} to delete this account.")
        return typed
