"""Saved views: searches with a name."""

from django import forms
from django.db import transaction

from accounts.models import User
from droplets.fleet.summary import natural
from droplets.models import SavedView
from droplets.search.query import Search

MOST = 50
"""Saved views of one person."""


class SaveForm(forms.Form):
    """The name under which the search on the page is saved."""

    name = forms.CharField(
        max_length=60,
        label="Name of the view",
        error_messages={"required": "Give the view a name.", "max_length": "Use at most 60 characters."},
    )

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if not name.isprintable():
            raise forms.ValidationError("The name has characters that cannot be shown.")
        return name


LONGEST = 4000
"""Characters of a query string: gunicorn accepts a request line of 4,094 characters in all."""


def views_of(user: User) -> list[SavedView]:
    """A person's saved views, sorted by name: “2” before “10”."""
    return sorted(SavedView.objects.filter(user=user), key=lambda view: (natural(view.name), view.name))


def save(user: User, name: str, search: Search) -> bool:
    """Save a search under a name. Returns whether it replaced a view of that name.

    Raises `ValidationError` where its query string is too long for a URL, or the person has the most views already.
    """
    query = search.query()
    if len(query) > LONGEST:
        raise forms.ValidationError("This search has too many filters to be saved. Remove some of them first.")
    with transaction.atomic():
        # Two requests at once take turns: each locks the person's row.
        User.objects.select_for_update().get(pk=user.pk)
        theirs = SavedView.objects.filter(user=user)
        if not theirs.filter(name=name).exists() and theirs.count() >= MOST:
            raise forms.ValidationError(
                f"You have {MOST} saved views, the most that one person can have. Delete one first."
            )
        _, created = SavedView.objects.update_or_create(user=user, name=name, defaults={"query": query})
    return not created
