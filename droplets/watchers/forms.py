"""The form of a watcher."""

from typing import Any, ClassVar
from zoneinfo import available_timezones

from django import forms
from django.db import transaction

from accounts import webhook_secrets
from accounts.models import User
from droplets.models import Watcher
from droplets.search.saved_views import views_of
from droplets.watchers import webhooks

MOST = 20
"""Watchers of one person."""

_LIMITS = {
    Watcher.Condition.PRICE: ("price", "Give the monthly price above which you want to be told."),
    Watcher.Condition.UNREADABLE: ("minutes", "Give the minutes after which you want to be told."),
}


class WatcherForm(forms.ModelForm):
    """Adds or changes a watcher of `user`. Raises ValidationError where there are too many."""

    webhook_url = forms.CharField(
        label="Webhook",
        max_length=500,
        required=False,
        help_text="Conveyor posts JSON to this URL, in the form that Slack takes.",
        widget=forms.URLInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    class Meta:
        model = Watcher
        fields: ClassVar = [
            "view",
            "condition",
            "price",
            "minutes",
            "by_email",
            "webhook_url",
            "quiet_from",
            "quiet_to",
            "time_zone",
        ]
        labels: ClassVar = {
            "view": "View",
            "condition": "Tell me when",
            "price": "Limit in US dollars a month",
            "minutes": "Minutes",
            "by_email": "Send an email",
            "quiet_from": "Quiet hours from",
            "quiet_to": "Quiet hours until",
            "time_zone": "Time zone",
        }
        help_texts: ClassVar = {
            "price": "Only for a view that costs more than a limit.",
            "minutes": "Only for a team that cannot be read.",
            "quiet_from": "Nothing is sent in these hours. You are told afterwards.",
        }
        widgets: ClassVar = {
            "quiet_from": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
            "quiet_to": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        }

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        views: Any = self.fields["view"]
        views.queryset = user.saved_views.all()
        views.empty_label = "Choose a view"
        views.choices = [("", views.empty_label), *((view.pk, view.name) for view in views_of(user))]
        zones = [(name, name.replace("_", " ")) for name in sorted(available_timezones())]
        self.fields["time_zone"] = forms.ChoiceField(label="Time zone", choices=zones, initial="UTC")
        for name in ("price", "minutes", "quiet_from", "quiet_to"):
            self.fields[name].required = False

    def clean_price(self) -> Any:
        price = self.cleaned_data["price"]
        if price is not None and price < 0:
            raise forms.ValidationError("The price cannot be below 0.")
        return price

    def clean_minutes(self) -> Any:
        minutes = self.cleaned_data["minutes"]
        if minutes is not None and not 1 <= minutes <= 1440:
            raise forms.ValidationError("Choose 1 to 1440 minutes.")
        return minutes

    def clean_webhook_url(self) -> str:
        url: str = self.cleaned_data["webhook_url"]
        if url and (problem := webhooks.problem_of(url)):
            raise forms.ValidationError(problem)
        return url

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        condition = data.get("condition")
        for of, (field, missing) in _LIMITS.items():
            if condition != of:
                data[field] = None
            elif data.get(field) is None and field not in self.errors:
                self.add_error(field, missing)
        quiet_from, quiet_to = data.get("quiet_from"), data.get("quiet_to")
        if (quiet_from is None) != (quiet_to is None):
            self.add_error("quiet_to" if quiet_to is None else "quiet_from", "Give both times, or neither.")
        elif quiet_from is not None and quiet_from == quiet_to:
            self.add_error("quiet_to", "The quiet hours cannot begin and end at the same time.")
        if not data.get("by_email") and not data.get("webhook_url") and "webhook_url" not in self.errors:
            self.add_error("by_email", "Choose an email, a webhook, or both.")
        return data

    def store(self) -> Watcher:
        """Save it. What has happened before is not told where the form changes what is watched."""
        watcher: Watcher = self.instance
        with transaction.atomic():
            # Two requests at once take turns: each locks the person's row.
            User.objects.select_for_update().get(pk=self.user.pk)
            if watcher._state.adding and Watcher.objects.filter(user=self.user).count() >= MOST:
                raise forms.ValidationError(f"You have {MOST} watchers, the most that one person can have.")
            watcher.user = self.user
            if {"view", "condition", "price", "minutes"} & set(self.changed_data):
                watcher.start_again()
            if not watcher.webhook_url:
                watcher.secret = ""
            elif not watcher.secret:
                webhook_secrets.renew(watcher)  # its page can make one that is shown
            watcher.save()
        return watcher
