"""The form of a watcher."""

from typing import Any, ClassVar
from zoneinfo import available_timezones

from django import forms
from django.db import transaction
from django.utils.html import format_html

from accounts import webhook_secrets
from accounts.models import User
from droplets.models import Watcher
from droplets.search.saved_views import views_of
from droplets.watchers import deliveries, webhooks

MOST = 20
"""Watchers of one person."""

_ORDER = (
    "view", "condition", "price", "minutes", "by_email", "webhook_url", "remove_webhook", "quiet_from", "quiet_to",
    "time_zone",
)  # fmt: skip
_LIMITS = {
    Watcher.Condition.PRICE: ("price", "Give the monthly price above which you want to be told."),
    Watcher.Condition.UNREADABLE: ("minutes", "Give the minutes after which you want to be told."),
}


class WatcherForm(forms.ModelForm):
    """Adds or changes a watcher of `user`. Raises ValidationError where there are too many.

    A webhook's URL is never shown again: an empty field keeps it.
    """

    webhook_url = forms.CharField(
        label="Webhook",
        max_length=500,
        required=False,
        help_text="Conveyor posts JSON to this URL, in the form that Slack takes. It is stored encrypted.",
        widget=forms.URLInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    remove_webhook = forms.BooleanField(label="Remove the webhook", required=False)

    class Meta:
        model = Watcher
        fields: ClassVar = [
            "view",
            "condition",
            "price",
            "minutes",
            "by_email",
            "quiet_from",
            "quiet_to",
            "time_zone",
        ]
        labels: ClassVar = {
            "view": "View",
            "condition": "Tell me when",
            "price": "Limit in US dollars a month",
            "minutes": "For how many minutes",
            "by_email": "Send an email",
            "quiet_from": "Quiet hours from",
            "quiet_to": "Quiet hours until",
            "time_zone": "Time zone",
        }
        help_texts: ClassVar = {
            "price": "Used only with “The view costs more than a limit”.",
            "minutes": "Used only with “A team of the view cannot be read”.",
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
        conditions: Any = self.fields["condition"]
        conditions.choices = [("", "Choose what happens"), *Watcher.Condition.choices]
        self.order_fields(_ORDER)
        watcher: Watcher = self.instance
        if watcher.has_webhook:
            self.fields["webhook_url"].label = "New webhook"
            now = watcher.masked_url if watcher.webhook_url else "one that no key decrypts"
            self.fields["webhook_url"].help_text = format_html("Now {}. Leave this empty to keep it.", now)
        else:
            del self.fields["remove_webhook"]
        if not deliveries.can_send_emails():
            self.fields["by_email"].help_text = deliveries.why_no_emails(user)
            if watcher._state.adding:
                self.initial["by_email"] = False
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
        self._check_channels(data)
        return data

    def _check_channels(self, data: dict[str, Any]) -> None:
        """A watcher must be able to tell."""
        watcher: Watcher = self.instance
        if data.get("remove_webhook") and data.get("webhook_url"):
            self.add_error("remove_webhook", "Give a new webhook or remove it, not both.")
        keeps = watcher.has_webhook and not data.get("remove_webhook")
        if keeps or data.get("webhook_url") or "webhook_url" in self.errors:
            return
        if not data.get("by_email"):
            self.add_error("by_email", "Choose an email, a webhook, or both.")
        elif not deliveries.can_send_emails():
            self.add_error("webhook_url", f"{deliveries.why_no_emails(self.user)} Give a webhook.")

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
            if self.cleaned_data.get("remove_webhook"):
                watcher.webhook_url = ""
            elif url := self.cleaned_data["webhook_url"]:
                watcher.webhook_url = url
            if not watcher.has_webhook:
                watcher.secret = ""
            elif not watcher.secret:
                webhook_secrets.renew(watcher)  # its page can make one that is shown
            watcher.save()
        return watcher
