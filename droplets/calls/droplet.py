"""One droplet, fresh from DigitalOcean, and further calls about it at the same time."""

from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any

from django.conf import settings

from accounts.models import Connection
from digitalocean_client import droplets as droplets_api
from digitalocean_client import errors
from digitalocean_client.schema import Droplet
from droplets.calls.parallel import Call, fetch_all


def fetch_droplet(connection: Connection, droplet_id: int, *, for_action: bool = False) -> Droplet:
    """The droplet, within PAGE_DEADLINE seconds. Raises a `DigitalOceanError`; `NotFound` where it does not exist."""
    return fetch_droplet_with(connection, droplet_id, {}, for_action=for_action)[0]


def fetch_droplet_with(
    connection: Connection, droplet_id: int, calls: Mapping[str, Call[Any]], *, for_action: bool = False
) -> tuple[Droplet, dict[str, Any]]:
    """The droplet as `fetch_droplet` returns it, and the result, or the error, of each of the calls.

    `for_action`: where the rate limit has no room for all calls, the droplet alone is read.
    """
    deadline = monotonic() + settings.PAGE_DEADLINE
    all_calls = {**calls, "droplet": call_for(droplet_id, droplets_api.droplet)}
    answers: dict[str, Any] = fetch_all(connection, all_calls, deadline=deadline, for_action=for_action)
    droplet = answers.pop("droplet")
    # DigitalOcean's own 429, which has a status, would meet the droplet alone as well.
    if for_action and calls and isinstance(droplet, errors.RateLimited) and not droplet.status:
        return fetch_droplet(connection, droplet_id, for_action=True), answers
    if isinstance(droplet, errors.DigitalOceanError):
        raise droplet
    return droplet, answers


def call_for(droplet_id: int, call: Callable[..., Any]) -> Call[Any]:
    """A `Call` from a function of the client that takes the token, a droplet's id and `deadline`."""
    return lambda token, deadline: call(token, droplet_id, deadline=deadline)
