"""The tables of emails to everybody whom an incident has touched. `accounts.incident_emails` sends them."""

from __future__ import annotations

from typing import ClassVar
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.utils import timezone


class IncidentEmail(models.Model):
    """One text, written by a staff member, to each person whom an incident has touched.

    Its id is made by the form, so the form sent twice is one email.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    staff = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    subject = models.CharField(max_length=150)
    text = models.TextField()
    incident = models.CharField("time of the incident", max_length=200)
    created_at = models.DateTimeField("confirmed", default=timezone.now)

    class Meta:
        ordering: ClassVar = ["-created_at"]
        default_permissions: ClassVar = ["view"]
        permissions: ClassVar = [("send_incident_email", "Can send an email to everybody whom an incident touched")]

    def __str__(self) -> str:
        return self.subject


class IncidentRecipient(models.Model):
    """Whether one person got an incident's email.

    Whoever changes `WAITING` to `SENDING` sends it, once. If that process dies, nobody knows whether the email went
    out: it stays `SENDING` and is not sent again.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENDING = "sending", "Not known whether it was sent"
        SENT = "sent", "Sent"
        FAILED = "failed", "The mail server did not accept it"
        SKIPPED = "skipped", "No confirmed address"

    id = models.BigAutoField(primary_key=True)
    email = models.ForeignKey(IncidentEmail, on_delete=models.CASCADE, related_name="recipients")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="incident_emails")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    changed_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions: ClassVar = []
        indexes: ClassVar = [models.Index(fields=["status", "id"])]
        constraints: ClassVar = [models.UniqueConstraint(fields=["email", "user"], name="each_person_once")]

    def __str__(self) -> str:
        return f"{self.email_id} to {self.user_id}, {self.status}"
