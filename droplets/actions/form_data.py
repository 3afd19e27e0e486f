"""What the page needs that asks before an action: the droplet as it is now, and what there is to choose from."""

from __future__ import annotations

from typing import Any

from accounts.models import Connection
from digitalocean_client.schema import Droplet
from droplets.actions.kinds import Kind
from droplets.calls import droplet as droplet_calls


def read_form_data(connection: Connection, droplet_id: int, kind: Kind) -> tuple[Droplet, dict[str, Any]]:
    """The droplet, and the answer, or the error, to each call that the kind's form asks for.

    Within FLEET_DEADLINE seconds. Raises a `DigitalOceanError` where the droplet itself cannot be read.
    """
    questions = {name: droplet_calls.call_for(droplet_id, call) for name, call in kind.form.asks.items()}
    return droplet_calls.fetch_droplet_with(connection, droplet_id, questions)
