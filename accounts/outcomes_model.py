"""The tables of how readings and refreshes of connections ended. `accounts.outcomes` writes them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models


class LatestReading(models.Model):
    """How the latest reading of a connection's droplets ended; a part of `Connection`.

    `reading_outcome` is "ok", "incomplete" or the code of an error (`digitalocean_client.errors`), "" before the first
    reading. It is so since `reading_since`, and the latest reading ended at `reading_at`. `reading_generation` is the
    connection's generation at that time: a failure with older tokens says nothing. `reading_sentence` is what the
    owner was told, empty where that is the error's own sentence.
    """

    OK = "ok"
    INCOMPLETE = "incomplete"

    reading_outcome = models.CharField("latest reading", max_length=40, blank=True, db_default="", default="")
    reading_sentence = models.CharField(max_length=300, blank=True, db_default="", default="")
    reading_since = models.DateTimeField("so since", null=True)
    reading_at = models.DateTimeField("latest reading ended", null=True)
    reading_retry_at = models.DateTimeField("next reading not before", null=True)
    reading_request_id = models.CharField(
        "DigitalOcean's request id of the reading", max_length=100, blank=True, db_default="", default=""
    )
    reading_generation = models.PositiveIntegerField(db_default=0, default=0)

    class Meta:
        abstract = True


@dataclass(frozen=True)
class ReadingResult:
    """How a reading ended, as `LatestReading` stores it.

    `sentence` is what the owner was told, empty for the error's own. `generation` is that of the tokens of the reading.
    """

    outcome: str
    generation: int
    sentence: str = ""
    since: datetime | None = None
    retry_at: datetime | None = None
    request_id: str = ""

    @classmethod
    def stored(cls, connection: LatestReading) -> ReadingResult:
        """The one that is stored with the connection."""
        return cls(
            connection.reading_outcome,
            connection.reading_generation,
            connection.reading_sentence,
            connection.reading_since,
            connection.reading_retry_at,
            connection.reading_request_id,
        )


class OutcomeInterval(models.Model):
    """A time in which all readings, or all refreshes, of a connection ended the same way.

    The interval that goes on has no `ended_at`. Of readings, the intervals of a connection follow each other without a
    gap: one ends with the attempt that ended in another way. `last_at` is the latest attempt of an interval that has
    ended; of the one that goes on it is `Connection.reading_at`, so that a reading which ends like the one before
    writes no second row. `shown` is what the owner saw meanwhile, `shown_as_of` of when that was.

    It stores names and ids, as the connection may be deleted before it. It is deleted together with the user.
    """

    class Kind(models.TextChoices):
        READING = "reading", "Reading"
        REFRESH = "refresh", "Refresh"

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="outcome_intervals", db_index=False
    )
    connection_id = models.UUIDField()
    team_uuid = models.CharField("DigitalOcean team", max_length=80, blank=True)
    team_name = models.CharField("team", max_length=255)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    outcome = models.CharField(max_length=40)
    sentence = models.CharField("what happened", max_length=300, blank=True)
    shown = models.CharField("what was shown", max_length=300, blank=True)
    shown_as_of = models.DateTimeField("read", null=True)
    request_id = models.CharField("DigitalOcean's request id", max_length=100, blank=True)
    started_at = models.DateTimeField("from")
    last_at = models.DateTimeField("latest attempt")
    ended_at = models.DateTimeField("to", null=True)

    class Meta:
        ordering: ClassVar = ["-started_at", "-id"]
        default_permissions: ClassVar = ["view"]
        indexes: ClassVar = [
            models.Index(fields=["user", "started_at"]),
            models.Index(fields=["started_at", "outcome"]),
            models.Index(fields=["ended_at"]),
            models.Index(fields=["request_id"]),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["connection_id", "kind"], condition=models.Q(ended_at=None), name="one_outcome_goes_on"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.team_name}: {self.outcome}"

    @property
    def is_ok(self) -> bool:
        return self.outcome == LatestReading.OK
