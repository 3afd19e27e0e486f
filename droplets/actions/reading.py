"""What the page needs that asks before an action: the droplet as it is now, and what there is to choose from."""

from __future__ import annotations

from functools import partial
from time import monotonic
from typing import Any

from django.conf import settings

from accounts.digitalocean import errors
from accounts.models import Connection
from droplets import api
from droplets.actions.kinds import Kind
from droplets.ask import Question, ask
from droplets.schema import Droplet


def read(connection: Connection, droplet_id: int, kind: Kind) -> tuple[Droplet, dict[str, Any]]:
    """The droplet, and the answer, or the error, to each call that the kind's form asks for.

    Within FLEET_DEADLINE seconds. Raises a `DigitalOceanError` where the droplet itself cannot be read.
    """
    questions: dict[str, Question[Any]] = {
        name: partial(_of_droplet, call, droplet_id) for name, call in kind.form.asks.items()
    }
    questions["droplet"] = partial(_of_droplet, api.droplet, droplet_id)
    answers = ask(connection, questions, until=monotonic() + settings.FLEET_DEADLINE)
    droplet = answers.pop("droplet")
    if isinstance(droplet, errors.DigitalOceanError):
        raise droplet
    return droplet, answers


def _of_droplet(call: Any, droplet_id: int, token: str, until: float) -> Any:
    return call(token, droplet_id, until=until)
