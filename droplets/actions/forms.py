"""What an action asks for beside the press of its button."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, ClassVar
from uuid import UUID, uuid4

from django import forms
from django.http import QueryDict
from django.utils import timezone

from digitalocean_client import actions as actions_api
from digitalocean_client import errors, resources
from digitalocean_client.resources_schema import Policy
from digitalocean_client.schema import Droplet
from droplets.actions import choices
from droplets.fleet import summary

Asked = Callable[..., Any]
"""A call of the API: takes the token, the droplet's id and `deadline`."""

_NAME_MOST = 255
_STALE = "This page was opened too long ago, or was changed on the way. Check it and send it again."
_PLANS = (("weekly", "Weekly"), ("daily", "Daily"))
_WEEKDAYS = (
    ("SUN", "Sunday"),
    ("MON", "Monday"),
    ("TUE", "Tuesday"),
    ("WED", "Wednesday"),
    ("THU", "Thursday"),
    ("FRI", "Friday"),
    ("SAT", "Saturday"),
)
_HOURS = tuple((hour, f"{hour:02}:00 to {(hour + 4) % 24:02}:00 UTC") for hour in (0, 4, 8, 12, 16, 20))


class ActionForm(forms.Form):
    """The form of an action that needs nothing but the press, and the base of the others.

    `key` makes the form good for one action, however often it is sent. `asks` names the calls whose answers, or
    errors, the form is made with.
    """

    key = forms.UUIDField(widget=forms.HiddenInput, error_messages={"required": _STALE, "invalid": _STALE})

    asks: ClassVar[Mapping[str, Asked]] = {}

    def __init__(
        self, data: QueryDict | None = None, *, droplet: Droplet, answers: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(data)
        self.droplet = droplet
        self.answers = answers or {}
        self.fields["key"].initial = uuid4
        self.prepare()

    def prepare(self) -> None:
        """Fill in what depends on the droplet and on the answers."""

    def renew_key(self) -> None:
        """Let what was typed be sent as another action: the one before is over."""
        assert isinstance(self.data, QueryDict)  # noqa: S101  # for the type checker
        data = self.data.copy()
        data["key"] = str(uuid4())
        self.data = data

    def parameters(self) -> dict[str, Any]:
        """What DigitalOcean is told beside the type, once the form is valid."""
        return {name: value for name, value in self.cleaned_data.items() if name not in ("key", "typed")}

    @classmethod
    def key_in(cls, data: QueryDict) -> UUID | None:
        """The key that such a form was sent with, where it is one."""
        try:
            found: UUID = cls.base_fields["key"].clean(data.get("key"))
        except forms.ValidationError:
            return None
        return found

    @property
    def can_be_sent(self) -> bool:
        """Whether there is anything to choose."""
        return True

    @property
    def troubles(self) -> list[errors.DigitalOceanError]:
        """What kept the form from knowing all that there is to choose from."""
        return [answer for answer in self.answers.values() if isinstance(answer, errors.DigitalOceanError)]

    def items(self, name: str) -> tuple[Any, ...]:
        """The items that the call of this name found; none where it failed."""
        answer = self.answers.get(name)
        return () if answer is None or isinstance(answer, errors.DigitalOceanError) else answer.items


class _TypedNameForm(ActionForm):
    """Typing the name is the pause before what nobody can undo."""

    typed = forms.CharField(
        max_length=_NAME_MOST,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}),
    )

    def prepare(self) -> None:
        self.fields["typed"].label = f"Type “{summary.name_of(self.droplet)}” to go on"

    def clean_typed(self) -> str:
        typed: str = self.cleaned_data["typed"]
        name = summary.name_of(self.droplet)
        if _same(typed) != _same(name):
            raise forms.ValidationError(f"This is not its name. The droplet is called “{name}”.")
        return typed


class DestroyForm(_TypedNameForm):
    pass


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
            raise forms.ValidationError("The name has characters in it that cannot be shown.")
        return name


class RenameForm(ActionForm):
    """https://docs.digitalocean.com/reference/api/ (Droplets, `name`): what a host name may be made of."""

    name = forms.RegexField(
        r"\A[a-zA-Z0-9]?[a-z0-9A-Z.\-]*[a-z0-9A-Z]\Z",
        max_length=_NAME_MOST,
        label="New name",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}),
        error_messages={
            "required": "Give the droplet a name.",
            "invalid": "A name is made of the letters a to z, digits, “.” and “-”, and ends in a letter or digit.",
        },
    )

    def prepare(self) -> None:
        self.fields["name"].initial = self.droplet.name

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if name == self.droplet.name:
            raise forms.ValidationError("This is its name already.")
        return name


class ResizeForm(ActionForm):
    size = forms.ChoiceField(
        widget=forms.RadioSelect,
        error_messages={
            "required": "Choose a size.",
            "invalid_choice": "This size is not on the list, or not any more. Choose another.",
        },
    )
    disk = forms.BooleanField(required=False, label="Grow the disk too")

    asks: ClassVar[Mapping[str, Asked]] = {"sizes": actions_api.sizes}

    def prepare(self) -> None:
        self.sizes = choices.sizes(self.items("sizes"), self.droplet)
        _choose(self.fields["size"], [(str(size.slug), str(size.slug)) for size in self.sizes])

    @property
    def can_be_sent(self) -> bool:
        return bool(self.sizes)


class RestoreForm(ActionForm):
    image = forms.TypedChoiceField(
        coerce=int,
        widget=forms.RadioSelect,
        error_messages={
            "required": "Choose a backup.",
            "invalid_choice": "This backup is not there, or not any more. Choose another.",
        },
    )

    asks: ClassVar[Mapping[str, Asked]] = {"backups": resources.backups}

    def prepare(self) -> None:
        self.backups = sorted(self.items("backups"), key=lambda backup: backup.id, reverse=True)
        _choose(self.fields["image"], [(str(backup.id), str(backup.id)) for backup in self.backups])

    @property
    def can_be_sent(self) -> bool:
        return bool(self.backups)


class RebuildForm(_TypedNameForm):
    image = forms.ChoiceField(
        widget=forms.Select,
        error_messages={
            "required": "Choose an image.",
            "invalid_choice": "This image is not on the list, or not any more. Choose another.",
        },
    )

    asks: ClassVar[Mapping[str, Asked]] = {"distributions": actions_api.distributions, "own": actions_api.own_images}
    field_order = ("key", "image", "typed")

    def prepare(self) -> None:
        super().prepare()
        self.images = choices.images(self.items("distributions"), self.items("own"), self.droplet)
        _choose(self.fields["image"], choices.grouped(self.images))
        if current := choices.current_image(self.images, self.droplet):
            self.fields["image"].initial = current

    @property
    def can_be_sent(self) -> bool:
        return bool(self.images)

    def clean_image(self) -> str | int:
        chosen: str = self.cleaned_data["image"]
        return next(image.asked for image in self.images if image.value == chosen)


class _PlanForm(ActionForm):
    """When backups are made: https://docs.digitalocean.com/reference/api/ (Droplets, `backup_policy`)."""

    plan = forms.ChoiceField(choices=_PLANS, label="How often")
    weekday = forms.ChoiceField(choices=_WEEKDAYS, label="Day, for weekly ones", initial="SUN", required=False)
    hour = forms.TypedChoiceField(choices=_HOURS, coerce=int, label="Between", initial=4)

    def clean(self) -> dict[str, Any] | None:
        given = self.cleaned_data
        if given.get("plan") == "weekly" and given.get("weekday") == "":
            self.add_error("weekday", "Choose a day.")
        return None

    def parameters(self) -> dict[str, Any]:
        chosen = self.cleaned_data
        policy = {"plan": chosen["plan"], "hour": chosen["hour"]}
        if chosen["plan"] == "weekly":
            policy["weekday"] = chosen["weekday"]
        return {"backup_policy": policy}


class EnableBackupsForm(_PlanForm):
    pass


class BackupPolicyForm(_PlanForm):
    asks: ClassVar[Mapping[str, Asked]] = {"policy": resources.policy}

    def prepare(self) -> None:
        policy = self.answers.get("policy")
        if isinstance(policy, Policy) and policy.backup_policy:
            now = policy.backup_policy
            for name, value in (("plan", now.plan), ("weekday", now.weekday), ("hour", now.hour)):
                if value is not None:
                    self.fields[name].initial = value


def _choose(field: forms.Field, found: list[Any]) -> None:
    assert isinstance(field, forms.ChoiceField)  # noqa: S101  # for the type checker
    field.choices = found


def _same(name: str) -> str:
    """For comparing what was typed with what was shown: keyboards and servers compose letters differently."""
    return " ".join(unicodedata.normalize("NFC", name).split())
