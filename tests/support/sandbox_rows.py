"""Responses of the sandbox's control API as dataclasses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class User:
    """A user of the sandbox."""

    uuid: str
    name: str
    email: str
    status: str
    teams: list[str]


@dataclass(frozen=True, slots=True)
class Team:
    """A team of the sandbox. `droplets` counts ordinary ones, `gpus` GPU droplets."""

    uuid: str
    name: str
    members: list[str]
    droplets: int
    gpus: int


@dataclass(frozen=True, slots=True)
class Grant:
    """A row of `GET ledger`: one consent with its latest pair. Times are seconds since the epoch."""

    grant: int
    client_id: str
    user_uuid: str
    team_uuid: str
    scope: str
    access_token: str
    refresh_token: str
    access_expires_at: float
    access_live: bool
    refresh_live: bool
    revoked: bool
    created_at: float
    refreshed: int


@dataclass(frozen=True, slots=True)
class Pair:
    """A row of `GET pairs`: a pair that was issued. Times are seconds since the epoch."""

    grant: int
    created_at: float
    access_expires_at: float
    refreshed: bool


@dataclass(frozen=True, slots=True)
class RequestedAction:
    """An action that took effect, whether its response arrived or not. Times are seconds since the epoch."""

    id: int
    team: str
    droplet_id: int
    type: str
    status: str
    started_at: float
    completed_at: float | None
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Counters:
    """Request counters. Endpoints read "GET /v2/droplets" or "POST /v1/oauth/token refresh_token".

    `by_status` has the status behind the endpoint: "GET /v2/droplets 200", or "none" without a complete response.
    """

    by_endpoint: dict[str, int]
    by_status: dict[str, int]
    by_team: dict[str, int]
    in_flight_max: dict[str, int]
    refreshes: dict[int, int]
    refreshes_at_once_max: dict[int, int]

    @property
    def total(self) -> int:
        """The number of all requests."""
        return sum(self.by_endpoint.values())

    @property
    def refresh_requests(self) -> int:
        """How many refreshes were requested, successful or not."""
        return self.by_endpoint.get("POST /v1/oauth/token refresh_token", 0)
