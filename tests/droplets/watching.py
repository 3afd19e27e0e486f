"""Readings of teams by the workers' tasks, in the test's own process."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from accounts.models import Connection
from droplets import tasks
from droplets.fleet import cache as fleet_cache
from droplets.models import TeamReading
from tests.support.sandbox import Sandbox

TEAM = "Acme Web"
LISTING = "/v2/droplets$"


def read(*connections: Connection) -> None:
    """Read these connections again now, as if their time had come."""
    for connection in connections:
        TeamReading.objects.update_or_create(connection=connection, defaults={"due_at": timezone.now()})
        fleet_cache.request_reload(connection.pk)
    tasks.read_teams(*(str(connection.pk) for connection in connections))


def change(sandbox: Sandbox, team: str = TEAM, index: int = 0, **fields: Any) -> None:
    """Change fields of a droplet at DigitalOcean."""
    sandbox.droplets(team, patch=[{"index": index, "set": fields}])


def reading_of(connection: Connection) -> TeamReading:
    return TeamReading.objects.get(connection=connection)
