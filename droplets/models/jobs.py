"""Jobs: one kind of action on many droplets, done by workers."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID, uuid4, uuid5

from django.conf import settings
from django.db import models
from django.utils import timezone

from droplets.models.actions import Action


class Job(models.Model):
    """An action on many droplets. It is a draft until its owner confirms it; then workers do it.

    At most `at_once` droplets of a team are under way at a time. After one has ended the team waits `pause` seconds
    before the next. `shown_at` is when the owner was told that it has ended.
    """

    class State(models.TextChoices):
        DRAFT = "draft", "Not confirmed"
        RUNNING = "running", "Under way"
        ENDED = "ended", "Ended"

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="jobs")
    kind = models.CharField(max_length=40)
    parameters = models.JSONField(default=dict)
    at_once = models.PositiveSmallIntegerField(default=5)
    pause = models.PositiveIntegerField("pause in seconds", default=0)
    count = models.PositiveIntegerField("droplets to act on", default=0)
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    shown_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-created_at", "-pk"]
        indexes: ClassVar = [
            models.Index(fields=["user", "state"]),
            models.Index(fields=["-created_at", "-id"]),
            models.Index(fields=["state", "-created_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.kind}, {self.state}"

    def parameters_for(self, name: str) -> dict[str, Any]:
        """The parameters of the action on one droplet. `{droplet}` in the name of a snapshot is the droplet's name."""
        parameters: dict[str, Any] = dict(self.parameters)
        if "name" in parameters:
            parameters["name"] = parameters["name"].replace("{droplet}", name)[:255]
        return parameters


class JobTeam(models.Model):
    """The part of a job in one team. Workers do the parts side by side, each by one worker at a time.

    `due_at` is when a worker is to go on with it, None once nothing is left. A worker that begins moves it ahead: until
    then it has the part for itself. Nothing is sent before `send_after`, for the reason in `waits_for`. `ill_since` is
    when DigitalOcean stopped answering.

    It stores names, as the connection may be deleted before it.
    """

    id = models.BigAutoField(primary_key=True)
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="teams")
    connection_id = models.UUIDField()
    team_name = models.CharField("team", max_length=255)
    due_at = models.DateTimeField(null=True, db_index=True)
    send_after = models.DateTimeField(null=True)
    ill_since = models.DateTimeField(null=True)
    waits_for = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["job", "connection_id"], name="one_part_of_a_job_in_a_team")
        ]

    def __str__(self) -> str:
        return self.team_name


class JobStep(models.Model):
    """One droplet of a job. It becomes an `Action` in the transaction that makes it `RUNNING`, once."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        RUNNING = "running", "Under way"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        SKIPPED = "skipped", "Skipped"
        CANCELLED = "cancelled", "Cancelled"

    OPEN: ClassVar = (State.WAITING, State.RUNNING)

    id = models.BigAutoField(primary_key=True)
    team = models.ForeignKey(JobTeam, on_delete=models.CASCADE, related_name="steps")
    droplet_id = models.BigIntegerField("droplet")
    droplet_name = models.CharField(max_length=255)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    action = models.OneToOneField(Action, on_delete=models.SET_NULL, null=True, related_name="step")
    message = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering: ClassVar = ["pk"]
        indexes: ClassVar = [
            models.Index(fields=["team", "state"]),
            models.Index(fields=["droplet_id"]),
            models.Index(fields=["droplet_name"]),
        ]

    def __str__(self) -> str:
        return f"{self.droplet_name}, {self.state}"

    @property
    def key(self) -> UUID:
        """The key of its action: always the same, so that there cannot be two."""
        return uuid5(self.team.job_id, str(self.pk))
