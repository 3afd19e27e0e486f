"""Searches that people have given names."""

from __future__ import annotations

from django import forms
from django.db import transaction

from accounts.models import User
from droplets.fleet.summary import natural
from droplets.models import SavedView
from droplets.search.query import Search

MOST = 50
"""Of one person."""


class SaveForm(forms.Form):
    """A name for the search that is on the page."""

    name = forms.CharField(
        max_length=60,
        label="Name of the view",
        error_messages={"required": "Give the view a name.", "max_length": "Up to 60 characters, please."},
    )

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if not name.isprintable():
            raise forms.ValidationError("The name has characters in it that cannot be shown.")
        return name


LONGEST = 4000
"""Characters of an address that servers take: gunicorn's whole request line is 4,094."""


class NotSaved(Exception):
    """Why a view cannot be kept, in a sentence."""

    sentence = ""


class TooLong(NotSaved):
    """No address can ask for it."""

    sentence = "This search has more filters than an address has room for. Take some away first."


class TooMany(NotSaved):
    """The person has as many as one can have."""

    sentence = f"You have {MOST} saved views, which is as many as there can be. Delete one first."


def views_of(user: User) -> list[SavedView]:
    """A person's, by name as people count: “2” before “10”."""
    return sorted(SavedView.objects.filter(user=user), key=lambda view: (natural(view.name), view.name))


def save(user: User, name: str, search: Search) -> bool:
    """Keep a search under a name; whether that took the place of another. Raises `NotSaved`."""
    query = search.query()
    if len(query) > LONGEST:
        raise TooLong
    with transaction.atomic():
        # The person's row is what two requests at once take turns on.
        User.objects.select_for_update().get(pk=user.pk)
        theirs = SavedView.objects.filter(user=user)
        if not theirs.filter(name=name).exists() and theirs.count() >= MOST:
            raise TooMany
        _, created = SavedView.objects.update_or_create(user=user, name=name, defaults={"query": query})
    return not created
