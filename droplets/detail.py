"""One droplet, fresh from DigitalOcean, and what else is asked of it at the same time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any

from django.conf import settings

from accounts.digitalocean import errors
from accounts.models import Connection
from droplets import api
from droplets.ask import Question, ask
from droplets.schema import Droplet


def read(connection: Connection, droplet_id: int) -> Droplet:
    """The droplet, within FLEET_DEADLINE seconds. Raises a `DigitalOceanError`; `NotFound` where there is none such."""
    return read_with(connection, droplet_id, {})[0]


def read_with(
    connection: Connection, droplet_id: int, questions: Mapping[str, Question[Any]]
) -> tuple[Droplet, dict[str, Any]]:
    """The droplet, and beside it the answer to each question, or the error that it ended in. As `read`."""
    until = monotonic() + settings.FLEET_DEADLINE
    answers: dict[str, Any] = ask(connection, {**questions, "droplet": about(droplet_id, api.droplet)}, until=until)
    droplet = answers.pop("droplet")
    if isinstance(droplet, errors.DigitalOceanError):
        raise droplet
    return droplet, answers


def about(droplet_id: int, call: Callable[..., Any]) -> Question[Any]:
    """The question that a call of the API answers: one that takes the token, a droplet's id and `until`."""
    return lambda token, until: call(token, droplet_id, until=until)
