"""What an action's page needs: the droplet as it is now, and what there is to choose from."""

from __future__ import annotations

from typing import Any

from accounts.models import Connection
from digitalocean_client import errors
from digitalocean_client.schema import Droplet
from droplets.actions.kinds import Kind
from droplets.calls import droplet as droplet_calls


def read_form_data(connection: Connection, droplet_id: int, kind: Kind) -> tuple[Droplet, dict[str, Any]]:
    """The droplet, and the answer, or the error, to each call that the kind's form names.

    Within FLEET_DEADLINE seconds. Where the rate limit has no room for all calls, the droplet alone is read. Raises a
    `DigitalOceanError` where the droplet itself cannot be read.
    """
    calls = {name: droplet_calls.call_for(droplet_id, call) for name, call in kind.form.calls.items()}
    try:
        return droplet_calls.fetch_droplet_with(connection, droplet_id, calls, for_action=True)
    except errors.RateLimited as error:
        if not calls or error.status:  # DigitalOcean's own 429 would meet the droplet alone as well
            raise
        return droplet_calls.fetch_droplet(connection, droplet_id, for_action=True), dict.fromkeys(calls, error)
