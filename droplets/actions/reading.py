"""What the page needs that asks before an action: the droplet as it is now, and what there is to choose from."""

from __future__ import annotations

from typing import Any

from accounts.models import Connection
from droplets import detail
from droplets.actions.kinds import Kind
from droplets.schema import Droplet


def read(connection: Connection, droplet_id: int, kind: Kind) -> tuple[Droplet, dict[str, Any]]:
    """The droplet, and the answer, or the error, to each call that the kind's form asks for.

    Within FLEET_DEADLINE seconds. Raises a `DigitalOceanError` where the droplet itself cannot be read.
    """
    questions = {name: detail.about(droplet_id, call) for name, call in kind.form.asks.items()}
    return detail.read_with(connection, droplet_id, questions)
