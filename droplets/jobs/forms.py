"""The forms that confirm a job."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone

from droplets.actions.forms import BackupPlanFields, TagFields

AT_ONCE = {1: "1, one after another", 2: "2", 5: "5", 10: "10", 20: "20"}


class JobForm(forms.Form):
    """How a job goes on. `count` is how many droplets it acts on, and `edition` stands for which ones they are."""

    edition = forms.CharField(widget=forms.HiddenInput, required=False)
    at_once = forms.TypedChoiceField(
        choices=list(AT_ONCE.items()), coerce=int, initial=5, label="Droplets at a time, in each team"
    )
    pause = forms.IntegerField(
        min_value=0,
        max_value=3600,
        initial=0,
        label="Pause in seconds",
        help_text="After a droplet is done, before the next one of its team.",
    )

    def __init__(self, data: Any = None, *, count: int, edition: str) -> None:
        super().__init__(data)
        self.count = count
        self.made_for = edition
        self.fields["edition"].initial = edition

    @property
    def is_stale(self) -> bool:
        """Whether the form was made for other droplets than those that the job would act on now."""
        return self.is_bound and self.data.get("edition") != self.made_for

    def parameters(self) -> dict[str, Any]:
        """The action's parameters for the API. The form must be valid."""
        return {}


class SnapshotsForm(JobForm):
    name = forms.CharField(max_length=200, label="Name of the snapshots", help_text="{droplet} is the droplet's name.")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["name"].initial = f"{{droplet}}-{timezone.now():%Y-%m-%d-%H%M}"

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if not name.isprintable():
            raise forms.ValidationError("The name contains characters that cannot be displayed.")
        return name

    def parameters(self) -> dict[str, Any]:
        return {"name": self.cleaned_data["name"]}


class BackupsForm(BackupPlanFields, JobForm):
    pass


class TagsForm(TagFields, JobForm):
    def parameters(self) -> dict[str, Any]:
        return {"tag": self.cleaned_data["tag"]}


class DestroyForm(JobForm):
    typed = forms.CharField(
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"})
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.wanted = f"destroy {self.count}"
        self.fields["typed"].label = f"Type “{self.wanted}” to confirm"

    def clean_typed(self) -> str:
        typed: str = self.cleaned_data["typed"]
        if " ".join(typed.split()) != self.wanted:
            raise forms.ValidationError(f"Type “{self.wanted}”: the word and the number of droplets.")
        return typed
