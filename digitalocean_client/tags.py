"""Tagging and untagging a droplet.

POST and DELETE /v2/tags/{tag}/resources, with a JSON array `resources` of `resource_id` (a string) and `resource_type`;
both answer 204. Tagging needs the scopes tag:create and droplet:update, untagging tag:delete and droplet:update:
https://docs.digitalocean.com/reference/api/digitalocean/#tag/Tags, and the same text in DigitalOcean's own client:
https://docs.digitalocean.com/reference/pydo/reference/tags/assign_resources/ and .../unassign_resources/.

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
