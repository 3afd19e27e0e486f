"""One droplet, fresh from DigitalOcean."""

from __future__ import annotations

from time import monotonic

from django.conf import settings

from accounts.models import Connection
from droplets import api
from droplets.ask import one
from droplets.schema import Droplet


def read(connection: Connection, droplet_id: int) -> Droplet:
    """The droplet, within FLEET_DEADLINE seconds. Raises a `DigitalOceanError`; `NotFound` when the team has none such.

    A token that DigitalOcean answers with 401 is renewed, and the question asked once more.
    """
    until = monotonic() + settings.FLEET_DEADLINE
    return one(connection, lambda token, until: api.droplet(token, droplet_id, until=until), until=until)
