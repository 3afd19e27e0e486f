"""Tagging and untagging a droplet: https://docs.digitalocean.com/reference/api/ (Tags).

Each raises a `DigitalOceanError` and is safe in any thread. Returns DigitalOcean's request id.
"""

from contextlib import suppress
from urllib.parse import quote

from digitalocean_client import api, errors


def tag(token: str, droplet: int, name: str, *, deadline: float) -> str:
    """Add a tag to a droplet. A tag that the team does not have is created."""
    try:
        return api.post(token, _path(name), _body(droplet), deadline=deadline).request_id
    except errors.NotFound:  # nothing was done
        with suppress(errors.Refused):  # another call has just created it
            api.post(token, "/tags", {"name": name}, deadline=deadline)
    return api.post(token, _path(name), _body(droplet), deadline=deadline).request_id


def untag(token: str, droplet: int, name: str, *, deadline: float) -> str:
    """Remove a tag from a droplet. The tag itself stays."""
    return api.delete(token, _path(name), _body(droplet), deadline=deadline).request_id


def _path(name: str) -> str:
    return f"/tags/{quote(name, safe='')}/resources"


def _body(droplet: int) -> dict[str, object]:
    return {"resources": [{"resource_id": str(droplet), "resource_type": "droplet"}]}
