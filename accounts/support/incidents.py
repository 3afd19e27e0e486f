"""An incident: whom it touched from one moment to another, what they saw, and what has recovered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from accounts.models import OutcomeInterval, User
from accounts.support.access import people_for
from digitalocean_client import errors

LONGEST = timedelta(days=31)

_DIGITALOCEANS = (
    errors.Unavailable.code, errors.TooSlow.code, errors.AnswerLost.code, errors.UnexpectedAnswer.code,
    errors.RateLimited.code, "incomplete",
)  # fmt: skip

SCOPES = {
    "digitalocean": ("DigitalOcean failed, was slow or limited", Q(outcome__in=_DIGITALOCEANS)),
    "all": ("Everything that failed", ~Q(outcome="ok")),
}
"""Which outcomes count: the value in the address, its label, its condition. `all` has connections to reconnect too."""


class IncidentForm(forms.Form):
    """From when to when, in UTC."""

    start = forms.DateTimeField(
        label="From", widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )
    end = forms.DateTimeField(
        label="To", widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )
    scope = forms.ChoiceField(
        label="What", choices=[(value, label) for value, (label, _) in SCOPES.items()], initial="digitalocean"
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        start, end = cleaned.get("start"), cleaned.get("end")
        if start and end and end <= start:
            raise forms.ValidationError("The end must be after the start.")
        if start and end and end - start > LONGEST:
            raise forms.ValidationError("An incident can be 31 days long at most.")
        return cleaned


@dataclass(frozen=True)
class Incident:
    """The time from `start` to `end`, and which outcomes count: a key of SCOPES."""

    start: datetime
    end: datetime
    scope: str = "digitalocean"

    @classmethod
    def of_last_hours(cls, hours: int = 24) -> Incident:
        now = timezone.now().replace(second=0, microsecond=0)
        return cls(now - timedelta(hours=hours), now + timedelta(minutes=1))

    @property
    def query(self) -> str:
        """The query string of its page."""
        times = {name: f"{getattr(self, name).astimezone(UTC):%Y-%m-%dT%H:%M}" for name in ("start", "end")}
        return urlencode({**times, "scope": self.scope})

    def __str__(self) -> str:
        return f"{self.start.astimezone(UTC):%Y-%m-%d %H:%M} to {self.end.astimezone(UTC):%Y-%m-%d %H:%M} UTC"

    def intervals(self, staff: User) -> QuerySet[OutcomeInterval]:
        """What went wrong in that time, of the people whom the staff member may see; the first first."""
        overlaps = Q(started_at__lt=self.end) & (Q(ended_at=None) | Q(ended_at__gt=self.start))
        found = OutcomeInterval.objects.filter(overlaps, SCOPES[self.scope][1], user__in=people_for(staff))
        return found.select_related("user").order_by("started_at", "id")

    def people(self, staff: User) -> QuerySet[User]:
        """Those whom it touched."""
        return people_for(staff).filter(pk__in=self.intervals(staff).order_by().values("user")).order_by("pk")

    def counts(self, staff: User) -> dict[str, int]:
        """How many people, connections and teams it touched, and how many connections have recovered by now."""
        found = (
            self.intervals(staff)
            .order_by()
            .aggregate(
                people=Count("user", distinct=True),
                connections=Count("connection_id", distinct=True),
                teams=Count("team_uuid", distinct=True, filter=~Q(team_uuid="")),
                failing=Count("connection_id", distinct=True, filter=Q(ended_at=None)),
            )
        )
        return found | {"recovered": found["connections"] - found["failing"]}


@dataclass(frozen=True)
class HungAction:
    """An action that was under way for long or was lost, as another app tells it. `status` is in words."""

    what: str
    person: str
    user_id: int | None
    team: str
    status: str
    recorded_at: datetime
    ended_at: datetime | None
    url: str


ActionFinder = Callable[[datetime, datetime, QuerySet[User]], Iterable[HungAction]]

_finders: list[ActionFinder] = []


def register(finder: ActionFinder) -> None:
    """Add what finds the actions of these people that hung in that time, at most as many as a page shows."""
    if finder not in _finders:
        _finders.append(finder)


def hung_actions(incident: Incident, staff: User) -> list[HungAction]:
    return [action for finder in _finders for action in finder(incident.start, incident.end, people_for(staff))]


CSV_COLUMNS = (
    "person", "team", "team_uuid", "connection", "kind", "outcome", "what_happened", "shown", "shown_as_of", "from",
    "to", "digitalocean_request_id",
)  # fmt: skip


def csv_rows(intervals: QuerySet[OutcomeInterval]) -> Iterator[tuple[object, ...]]:
    for each in intervals.iterator(chunk_size=1_000):
        yield (
            each.user.email, each.team_name, each.team_uuid, str(each.connection_id), each.kind, each.outcome,
            sentence_of(each), each.shown, _time(each.shown_as_of), _time(each.started_at), _time(each.ended_at),
            each.request_id,
        )  # fmt: skip


def sentence_of(interval: OutcomeInterval) -> str:
    """What happened, in words."""
    if interval.outcome == "incomplete":
        return interval.sentence or "The list of droplets was not complete."
    return interval.sentence or errors.by_code(interval.outcome).sentence


def _time(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment else ""
