"""Watchers of saved views, and the messages that they send."""

from __future__ import annotations

from typing import ClassVar
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.utils import timezone

from accounts import webhook_secrets
from droplets.models.saved_views import SavedView


class Watcher(models.Model):
    """Tells a person when a condition holds for a saved view. It tells what happens after `since`.

    `price` is in US dollars a month. Between `quiet_from` and `quiet_to`, in `time_zone`, nothing is sent. `state` is
    what the latest evaluation has seen (`droplets.watchers.evaluation`), None before the first. `sealed_url` and
    `secret` are encrypted: where a webhook is sent to, and what signs it.
    """

    class Condition(models.TextChoices):
        NEW = "new", "A droplet is new in the view"
        GONE = "gone", "A droplet is gone from the view"
        OFF = "off", "A droplet of the view is switched off"
        PRICE = "price", "The view costs more than a limit"
        UNREADABLE = "unreadable", "A team of the view cannot be read"
        ACTION = "action", "An action on a droplet of the view fails"

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="watchers")
    view = models.ForeignKey(SavedView, on_delete=models.CASCADE, related_name="watchers")
    condition = models.CharField(max_length=20, choices=Condition.choices)
    price = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    minutes = models.PositiveIntegerField(null=True)
    by_email = models.BooleanField(default=True)
    sealed_url = models.TextField(blank=True, editable=False)
    secret = models.TextField(blank=True, editable=False)
    quiet_from = models.TimeField(null=True)
    quiet_to = models.TimeField(null=True)
    time_zone = models.CharField(max_length=64, default="UTC")
    is_paused = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    since = models.DateTimeField(default=timezone.now)
    state = models.JSONField(null=True, editable=False)

    class Meta:
        ordering: ClassVar = ["created_at", "pk"]

    def __str__(self) -> str:
        return f"{self.view}: {self.summary}"

    @property
    def summary(self) -> str:
        """The condition with its limit."""
        if self.condition == self.Condition.PRICE:
            return f"The view costs more than ${self.price:,.2f} a month"
        if self.condition == self.Condition.UNREADABLE:
            return f"A team of the view cannot be read for {self.minutes} minute{'' if self.minutes == 1 else 's'}"
        return self.Condition(self.condition).label

    @property
    def channels(self) -> list[Delivery.Channel]:
        chosen = {Delivery.Channel.EMAIL: self.by_email, Delivery.Channel.WEBHOOK: self.has_webhook}
        return [channel for channel, is_chosen in chosen.items() if is_chosen]

    @property
    def has_webhook(self) -> bool:
        return bool(self.sealed_url)

    @property
    def webhook_url(self) -> str:
        """In plain text; "" if there is none, or if no key decrypts it."""
        return webhook_secrets.read_url(self)

    @webhook_url.setter
    def webhook_url(self, url: str) -> None:
        webhook_secrets.write_url(self, url)

    @property
    def masked_url(self) -> str:
        return webhook_secrets.mask_url(self.webhook_url)

    def start_again(self) -> None:
        """Tell only what happens from now on. The caller saves it."""
        self.since, self.state = timezone.now(), None


class Delivery(models.Model):
    """A message of a watcher, by one channel, and how it ended.

    `events` are the first of the `count` events that it tells. Until it is sent for the first time, further ones are
    added. Whoever sends it holds the lease and has counted `attempts` up; `give_up_at` is a day after the first try.
    """

    class Channel(models.TextChoices):
        EMAIL = "email", "Email"
        WEBHOOK = "webhook", "Webhook"

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENT = "sent", "Sent"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Not sent"

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    watcher = models.ForeignKey(Watcher, on_delete=models.CASCADE, related_name="deliveries")
    channel = models.CharField(max_length=10, choices=Channel.choices)
    is_test = models.BooleanField(default=False)
    events = models.JSONField(default=list)
    count = models.PositiveIntegerField(default=0)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    result = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    due_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    give_up_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-created_at", "-pk"]
        indexes: ClassVar = [models.Index(fields=["status", "due_at"])]

    def __str__(self) -> str:
        return f"{self.get_channel_display()} of {self.watcher_id}, {self.status}"
