"""The forms of the actions: what a person chooses or types before an action is sent."""

import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, ClassVar
from uuid import UUID, uuid4

from django import forms
from django.http import QueryDict
from django.utils import timezone

from digitalocean_client import actions as actions_api
from digitalocean_client import errors, resources
from digitalocean_client.schema import BackupPolicy, Droplet
from droplets.actions import choices
from droplets.actions.backup_plans import WEEKDAYS, plan_name
from droplets.fleet import summary

FormCall = Callable[..., Any]
"""A call of the API: takes the token, the droplet's id and `deadline`."""

_NAME_MOST = 255
_STALE = "This form is too old or was changed. Check it and send it again."
_PLANS = (("weekly", "Weekly"), ("daily", "Daily"))
_HOURS = tuple((hour, f"{hour:02}:00 to {(hour + 4) % 24:02}:00 UTC") for hour in (0, 4, 8, 12, 16, 20))


class ActionForm(forms.Form):
    """The form of an action without parameters, and the base of the others.

    `key` makes sure that the form starts one action, however often it is sent. `calls` are the API calls whose answers,
    or errors, the form gets by name.
    """

    key = forms.UUIDField(widget=forms.HiddenInput, error_messages={"required": _STALE, "invalid": _STALE})

    calls: ClassVar[Mapping[str, FormCall]] = {}
    can_be_sent = True

    def __init__(
        self, data: QueryDict | None = None, *, droplet: Droplet, answers: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(data)
        self.droplet = droplet
        self.answers = answers or {}
        self.fields["key"].initial = uuid4
        self.prepare()

    def prepare(self) -> None:
        """Fill in choices and initial values from the droplet and the answers."""

    def set_choices(self, name: str, found: list[Any]) -> None:
        """Fill in the choices of a field. Where there are none, the form cannot be sent."""
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101  # for the type checker
        field.choices = found
        self.can_be_sent = any(value for value, _ in found)

    def renew_key(self) -> None:
        """Let the same input be sent as a new action, after the one before has ended."""
        assert isinstance(self.data, QueryDict)  # noqa: S101  # for the type checker
        data = self.data.copy()
        data["key"] = str(uuid4())
        self.data = data

    def parameters(self) -> dict[str, Any]:
        """The action's parameters for the API, without its type. The form must be valid."""
        return {name: value for name, value in self.cleaned_data.items() if name not in ("key", "typed")}

    @classmethod
    def key_in(cls, data: QueryDict) -> UUID | None:
        """The key in the data of a sent form; None where it is not a key."""
        try:
            found: UUID = cls.base_fields["key"].clean(data.get("key"))
        except forms.ValidationError:
            return None
        return found

    @property
    def call_errors(self) -> list[errors.DigitalOceanError]:
        """The errors of the form's calls: some choices are missing then."""
        return [answer for answer in self.answers.values() if isinstance(answer, errors.DigitalOceanError)]

    def items(self, name: str) -> tuple[Any, ...]:
        """The items in the answer to the call of this name; none where it failed."""
        answer = self.answers.get(name)
        return () if answer is None or isinstance(answer, errors.DigitalOceanError) else answer.items


class TypedNameForm(ActionForm):
    """Before an action that cannot be undone, the droplet's name has to be typed."""

    typed = forms.CharField(
        max_length=_NAME_MOST,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}),
    )

    def prepare(self) -> None:
        self.fields["typed"].label = f"Type “{summary.name_of(self.droplet)}” to confirm"

    def clean_typed(self) -> str:
        typed: str = self.cleaned_data["typed"]
        name = summary.name_of(self.droplet)
        if _normalized(typed) != _normalized(name):
            raise forms.ValidationError(f"This is not the droplet's name. Its name is “{name}”.")
        return typed


class SnapshotForm(ActionForm):
    name = forms.CharField(
        max_length=_NAME_MOST,
        label="Name of the snapshot",
        error_messages={"required": "Give the snapshot a name."},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def prepare(self) -> None:
        moment = f"{timezone.now():%Y-%m-%d-%H%M}"
        self.fields["name"].initial = f"{summary.name_of(self.droplet)[: _NAME_MOST - 1 - len(moment)]}-{moment}"

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if not name.isprintable():
            raise forms.ValidationError("The name contains characters that cannot be displayed.")
        return name


class RenameForm(ActionForm):
    """https://docs.digitalocean.com/reference/api/ (Droplets, `name`): the characters of a host name."""

    name = forms.RegexField(
        r"\A[a-zA-Z0-9]?[a-z0-9A-Z.\-]*[a-z0-9A-Z]\Z",
        max_length=_NAME_MOST,
        label="New name",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}),
        error_messages={
            "required": "Give the droplet a name.",
            "invalid": "Use only letters a to z, digits, “.” and “-”. The name must end in a letter or digit.",
        },
    )

    def prepare(self) -> None:
        self.fields["name"].initial = self.droplet.name

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if name == self.droplet.name:
            raise forms.ValidationError("The droplet already has this name.")
        return name


class ResizeForm(ActionForm):
    size = forms.ChoiceField(
        widget=forms.RadioSelect,
        error_messages={
            "required": "Choose a size.",
            "invalid_choice": "This size is not available. Choose another size.",
        },
    )
    disk = forms.BooleanField(required=False, label="Also enlarge the disk")

    calls: ClassVar[Mapping[str, FormCall]] = {"sizes": actions_api.sizes}

    def prepare(self) -> None:
        self.sizes = choices.sizes(self.items("sizes"), self.droplet)
        self.set_choices("size", [(str(size.slug), str(size.slug)) for size in self.sizes])


class RestoreForm(ActionForm):
    image = forms.TypedChoiceField(
        coerce=int,
        widget=forms.RadioSelect,
        error_messages={
            "required": "Choose a backup.",
            "invalid_choice": "This backup does not exist. Choose another backup.",
        },
    )

    calls: ClassVar[Mapping[str, FormCall]] = {"backups": resources.backups}

    def prepare(self) -> None:
        self.backups = sorted(self.items("backups"), key=lambda backup: backup.id, reverse=True)
        self.set_choices("image", [(str(backup.id), str(backup.id)) for backup in self.backups])


class RebuildForm(TypedNameForm):
    image = forms.ChoiceField(
        widget=forms.Select,
        error_messages={
            "required": "Choose an image.",
            "invalid_choice": "This image is not available. Choose another image.",
        },
    )

    calls: ClassVar[Mapping[str, FormCall]] = {
        "distributions": actions_api.distributions,
        "own": actions_api.own_images,
    }
    field_order = ("key", "image", "typed")

    def prepare(self) -> None:
        super().prepare()
        self.images = choices.images(self.items("distributions"), self.items("own"), self.droplet)
        self.set_choices("image", choices.grouped(self.images))
        self.fields["image"].initial = choices.current_image(self.images, self.droplet)

    def clean_image(self) -> str | int:
        chosen: str = self.cleaned_data["image"]
        return next(image.api_value for image in self.images if image.value == chosen)


class BackupPlanFields(forms.Form):
    """The plan of backups: https://docs.digitalocean.com/reference/api/ (Droplets, `backup_policy`)."""

    plan = forms.ChoiceField(choices=_PLANS, label="How often")
    weekday = forms.ChoiceField(
        choices=list(WEEKDAYS.items()), label="Day (weekly backups only)", initial="SUN", required=False
    )
    hour = forms.TypedChoiceField(choices=_HOURS, coerce=int, label="Start between", initial=4)

    def clean(self) -> dict[str, Any] | None:
        if self.cleaned_data.get("plan") == "weekly" and self.cleaned_data.get("weekday") == "":
            self.add_error("weekday", "Choose a day.")
        return None

    def parameters(self) -> dict[str, Any]:
        plan = self.cleaned_data["plan"]
        fields = {"weekly": ("hour", "weekday"), "daily": ("hour",)}.get(plan, ())
        return {"backup_policy": {"plan": plan, **{name: self.cleaned_data[name] for name in fields}}}


class BackupPlanForm(BackupPlanFields, ActionForm):
    pass


class TagFields(forms.Form):
    """https://docs.digitalocean.com/reference/api/ (Tags, `name`)."""

    tag = forms.RegexField(
        r"\A[a-zA-Z0-9_\-:]+\Z",
        max_length=_NAME_MOST,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}),
        error_messages={"invalid": "Use only letters a to z, digits, “_”, “-” and “:”."},
    )


class TagForm(TagFields, ActionForm):
    pass


class ChangeBackupPlanForm(BackupPlanForm):
    calls: ClassVar[Mapping[str, FormCall]] = {"policy": resources.backup_policy}

    def prepare(self) -> None:
        now = self.answers.get("policy")
        if isinstance(now, BackupPolicy):
            for name, value in (("plan", now.plan), ("weekday", now.weekday), ("hour", now.hour)):
                if value is not None:
                    self.fields[name].initial = value
            if now.plan and now.plan not in dict(_PLANS):
                self.set_choices("plan", [*_PLANS, (str(now.plan), plan_name(now.plan))])


def _normalized(name: str) -> str:
    """The name for comparison: a keyboard may compose a letter differently than the server does (Unicode NFC)."""
    return " ".join(unicodedata.normalize("NFC", name).split())
