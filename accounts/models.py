"""Connections (DigitalOcean teams that users have connected), pending and queued grants, and the audit log."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import ClassVar, Self
from uuid import uuid4

from allauth.socialaccount.models import SocialAccount, SocialToken
from django.conf import settings
from django.db import models
from django.utils import timezone

from accounts.connection_conditions import SICK
from accounts.incident_models import IncidentEmail, IncidentRecipient
from accounts.outcomes_model import LatestReading, OutcomeInterval
from accounts.support_acts import SupportAct
from accounts.users import User, UserManager

__all__ = [
    "Connection", "Event", "IncidentEmail", "IncidentRecipient", "OutcomeInterval", "Revocation", "SecondFactorReset",
    "SupportAct", "User", "UserManager",
]  # fmt: skip

TEAM_COLORS = 8
"""Number of colors for team icons (`.square-0` and so on in the stylesheet)."""


def is_visible(text: str) -> bool:
    """Whether a reader sees anything of it. Earlier versions stored U+FFFD for what they did not know."""
    return any(character.isprintable() and not character.isspace() and character != "\ufffd" for character in text)


def team_label(team_name: str, *, email: str, team_uuid: str) -> str:
    """The team's name to show; if it has no visible character, the email address, or a name made of the uuid."""
    if is_visible(team_name):
        return team_name[:255]
    return email[:255] or (f"Team {team_uuid[:8]}" if team_uuid else "Personal account")


class ConnectionQuerySet(models.QuerySet["Connection"]):
    def for_user(self, user: User) -> Self:
        """A user's connections, in display order."""
        return self.filter(account__user=user).select_related("account__user", "token").order_by("team_name", "pk")

    def of_team(self, connection: Connection) -> Self:
        """All users' connections to the team of this one."""
        by_user = {"team_uuid": "", "user_uuid": connection.user_uuid}
        return self.filter(**({"team_uuid": connection.team_uuid} if connection.team_uuid else by_user))


class Connection(LatestReading):
    """A DigitalOcean team that a user has connected: allauth's SocialAccount and SocialToken, and what they lack.

    `generation` increases whenever the stored token pair changes, and only then. Every write of a pair, or of its
    state, is `WHERE generation =` the one that was read. The lease is the short right to refresh the pair alone.
    """

    class State(models.TextChoices):
        HEALTHY = "healthy", "Healthy"
        NEEDS_RECONNECT = "needs_reconnect", "Needs to be reconnected"

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    account = models.OneToOneField(SocialAccount, on_delete=models.CASCADE, related_name="connection")
    token = models.OneToOneField(SocialToken, on_delete=models.SET_NULL, null=True, related_name="connection")
    user_uuid = models.CharField("DigitalOcean user", max_length=80, db_index=True)
    team_uuid = models.CharField("DigitalOcean team", max_length=80, blank=True)
    team_name = models.CharField("team", max_length=255)
    email = models.EmailField("DigitalOcean email", max_length=320, blank=True)
    account_status = models.CharField("DigitalOcean account status", max_length=300, blank=True, db_default="")
    scope = models.TextField("granted scope", blank=True)
    sign_in = models.BooleanField("can log in", default=False)

    state = models.CharField(max_length=20, choices=State.choices, default=State.HEALTHY)
    generation = models.PositiveIntegerField(default=0)
    lease_id = models.UUIDField(null=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)
    failures = models.PositiveSmallIntegerField("failed refreshes in a row", default=0)
    retry_at = models.DateTimeField("next refresh not before", null=True)
    last_error = models.CharField("last error", max_length=200, blank=True)
    last_error_at = models.DateTimeField(null=True)

    connected_at = models.DateTimeField("connected", default=timezone.now)
    refreshed_at = models.DateTimeField("last refresh", null=True)
    droplet_count = models.PositiveIntegerField("droplets", null=True)
    droplets_read_at = models.DateTimeField("droplets read", null=True)

    objects = ConnectionQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["team_name", "pk"]
        indexes: ClassVar = [
            *(models.Index(fields=[name]) for name in ("team_uuid", "team_name", "email", "reading_request_id")),
            models.Index(fields=["team_name", "id"], condition=SICK, name="sick_connections"),
        ]

    def __str__(self) -> str:
        return self.team_name

    @property
    def user(self) -> User:
        owner: User = self.account.user
        return owner

    @property
    def expires_at(self) -> datetime | None:
        """When the stored access token expires; None if unknown, or without a token."""
        return self.token.expires_at if self.token else None

    @property
    def team_key(self) -> str:
        """The same for all connections to one team; outside of a team, the DigitalOcean user's own uuid."""
        return self.team_uuid or self.user_uuid

    @property
    def initial(self) -> str:
        return next((character.upper() for character in self.team_name if character.isalnum()), "?")

    @property
    def color(self) -> int:
        """Number of the team icon's color. It comes from the team's uuid, so it is the same for every user."""
        return hashlib.sha256(self.team_key.encode()).digest()[0] % TEAM_COLORS

    @property
    def can_act(self) -> bool:
        """Whether the granted scope allows more than reading."""
        return any(not scope.endswith("read") for scope in self.scope.split())

    @property
    def access_label(self) -> str:
        return "Read and write" if self.can_act else "Read only"


class Revocation(models.Model):
    """A grant that must be revoked at DigitalOcean unless it is connected first. Deleted once DigitalOcean accepted.

    Every grant starts here as `PENDING`: the callback stores this row, due in an hour, before it does anything else
    with the token pair. Connecting the team deletes the row in the transaction that stores the pair. A refused callback
    makes it `QUEUED`. An abandoned one, or one whose process died, becomes due after the hour.
    """

    class Status(models.TextChoices):
        PENDING = "pending", "Waiting to be connected"
        QUEUED = "queued", "Waiting to be revoked"

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    token = models.TextField(editable=False)
    token_secret = models.TextField(blank=True, editable=False)
    expires_at = models.DateTimeField(null=True)
    scope = models.TextField(blank=True)
    user_uuid = models.CharField(max_length=80, blank=True)
    team_uuid = models.CharField(max_length=80, blank=True)
    team_name = models.CharField("team", max_length=255, blank=True)
    email = models.EmailField(max_length=320, blank=True)
    account_status = models.CharField(max_length=300, blank=True, db_default="")
    connection_id = models.UUIDField(null=True, db_index=True)
    request_id = models.CharField("DigitalOcean's request id", max_length=100, blank=True)
    # A database default: the previous release knows no status and inserts rows without one during a deployment.
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED, db_default="queued")
    reason = models.CharField(max_length=40)
    created_at = models.DateTimeField("created", default=timezone.now)
    due_at = models.DateTimeField("due", default=timezone.now, db_index=True)
    lease_until = models.DateTimeField(null=True, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering: ClassVar = ["due_at"]
        indexes: ClassVar = [models.Index(fields=["request_id"])]

    def __str__(self) -> str:
        return f"{self.team_name or 'a grant'}, {self.reason}"

    @property
    def uid(self) -> str:
        """The uid of the SocialAccount that this grant belongs to, or would create."""
        return f"{self.user_uuid}:{self.team_uuid}"

    @property
    def encryption_uid(self) -> str:
        """The uid that its tokens are encrypted for: not that of a connection, so neither decrypts as the other."""
        return f"grant:{self.pk}"


class Event(models.Model):
    """An entry of the audit log: what happened to a connection or account, when, who did it. It has no secrets."""

    class Kind(models.TextChoices):
        CONNECT = "connect", "Connected"
        RECONNECT = "reconnect", "Reconnected"
        REFRESH = "refresh", "Token refreshed"
        SCOPE = "scope", "Scope changed"
        SIGN_IN = "sign_in", "Log-in turned on or off"
        REFUSED = "refused", "Connection refused"
        LOST = "lost", "Token lost"
        DISCONNECT = "disconnect", "Disconnected"
        REVOKE = "revoke", "Revoked at DigitalOcean"
        REENCRYPT = "reseal", "Encrypted with a new key"
        SIGN_UP = "sign_up", "Signed up"
        LOG_IN = "log_in", "Log-in"
        TWO_FACTOR = "two_factor", "Two-factor authentication"
        EMAIL = "email", "Email"
        PASSWORD_RESET = "password_reset", "Password reset"
        SECOND_FACTOR_RESET = "factor_reset", "Reset of the second factor"
        EXPORT = "export", "Personal data downloaded"
        STAFF_LOOK = "staff_look", "Support looked at the account"
        STAFF_ACT = "staff_act", "Support acted"
        VIEW_AS = "view_as", "Support viewed as the user"

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(default=timezone.now, db_index=True)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    outcome = models.CharField(max_length=40, default="ok")
    actor = models.CharField(max_length=40, help_text='"person" for the user, "staff", or a part of Conveyor')
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="events", db_index=False
    )
    staff = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    connection_id = models.UUIDField(null=True, db_index=True)
    team_name = models.CharField(max_length=255, blank=True)
    detail = models.CharField(max_length=300, blank=True)
    request_id = models.CharField("DigitalOcean's request id", max_length=100, blank=True)
    # Database defaults: the previous release inserts rows without these during a deployment.
    page_request_id = models.CharField("Conveyor's request id", max_length=64, blank=True, db_default="")
    address_hash = models.CharField(max_length=12, blank=True, db_default="", editable=False)

    class Meta:
        ordering: ClassVar = ["-at", "-id"]
        indexes: ClassVar = [
            models.Index(fields=["user", "-at"]),
            models.Index(fields=["request_id"]),
            models.Index(fields=["page_request_id"]),
            models.Index(fields=["address_hash"]),
            models.Index(fields=["kind", "-at"]),
            models.Index(fields=["-at", "-id"], condition=~models.Q(outcome="ok"), name="events_gone_wrong"),
            models.Index(fields=["actor", "-at"]),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.outcome}"


class SecondFactorReset(models.Model):
    """A request to turn off the second factor of a user who has lost it. Two staff members approve it.

    `asked_from` is the network of the user's browser; empty if support began the request.
    """

    class State(models.TextChoices):
        ASKED = "asked", "Needs a first approval"
        TAKEN = "taken", "Needs a second approval"
        APPROVED = "approved", "Approved"
        DONE = "done", "Done"
        STOPPED = "stopped", "Stopped by the user"
        REFUSED = "refused", "Refused by support"
        EXPIRED = "expired", "Expired"

    OPEN = (State.ASKED, State.TAKEN, State.APPROVED)

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="second_factor_resets")
    state = models.CharField(max_length=10, choices=State.choices, default=State.ASKED)
    asked_at = models.DateTimeField("asked", default=timezone.now)
    asked_from = models.CharField(max_length=50, blank=True)
    reason = models.CharField("reason of the first staff member", max_length=500, blank=True)
    taken_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name="first approval by"
    )
    taken_at = models.DateTimeField("first approval", null=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name="second approval by"
    )
    approved_at = models.DateTimeField("second approval", null=True)
    effective_at = models.DateTimeField("possible from", null=True)
    expires_at = models.DateTimeField("expires")

    class Meta:
        ordering: ClassVar = ["-asked_at"]
        default_permissions: ClassVar = ["view"]
        permissions: ClassVar = [("reset_second_factor", "Can reset the second factor of a user")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user"], condition=models.Q(state__in=["asked", "taken", "approved"]), name="one_open_reset"
            )
        ]

    def __str__(self) -> str:
        return f"Second factor of {self.user}"

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN and self.expires_at > timezone.now()

    @property
    def is_effective(self) -> bool:
        """Whether the waiting time after the second approval is over."""
        return self.effective_at is not None and self.effective_at <= timezone.now()
