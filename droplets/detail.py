"""One droplet, fresh from DigitalOcean."""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic
from uuid import UUID

from django.conf import settings

from accounts.digitalocean import errors
from accounts.models import Connection
from accounts.tokens import access_tokens
from droplets import api
from droplets.schema import Droplet


def read(connection: Connection, droplet_id: int) -> Droplet:
    """The droplet, within FLEET_DEADLINE seconds. Raises a `DigitalOceanError`; `NotFound` when the team has none such.

    A token that DigitalOcean answers with 401 is renewed, and the question asked once more.
    """
    until = monotonic() + settings.FLEET_DEADLINE
    token = _token(connection, until)
    try:
        return api.droplet(token, droplet_id, until=until)
    except errors.TokenRejected:
        token = _token(connection, until, {connection.pk: token})
    return api.droplet(token, droplet_id, until=until)


def _token(connection: Connection, until: float, rejected: Mapping[UUID, str] | None = None) -> str:
    [(_, token)] = access_tokens([connection], until=until, rejected=rejected)
    if isinstance(token, errors.DigitalOceanError):
        raise token
    return token
