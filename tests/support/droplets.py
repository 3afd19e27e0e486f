"""What tests of the sandbox ask of its API again and again."""

from __future__ import annotations

from typing import Any

import requests

from tests.support.sandbox import Sandbox

LONG = 3_600  # seconds: more than any action takes


def every(sandbox: Sandbox, token: str, what: str, **query: Any) -> list[dict[str, Any]]:
    """All items of a list, over as many pages as it takes."""
    found: list[dict[str, Any]] = []
    page = 1
    while True:
        answer = sandbox.get(f"/v2/{what}", token, per_page=200, page=page, **query)
        assert answer.status_code == 200, answer.text
        found += answer.json()[what]
        if len(found) >= answer.json()["meta"]["total"]:
            assert len(found) == answer.json()["meta"]["total"]
            return found
        page += 1


def droplet(sandbox: Sandbox, token: str, droplet_id: int) -> dict[str, Any]:
    """One droplet as it is now."""
    found: dict[str, Any] = sandbox.get(f"/v2/droplets/{droplet_id}", token).json()["droplet"]
    return found


def first(sandbox: Sandbox, token: str, **wanted: Any) -> dict[str, Any]:
    """The first free droplet with these values; features and other lists must hold the value given.

    It has no backups unless they are wanted: those, and their next window, change when the clock is moved.
    """
    wanted = {"status": "active", "locked": False, **wanted}
    page = sandbox.get("/v2/droplets", token, per_page=200).json()["droplets"]
    for each in page if wanted.get("features") == "backups" else unbacked(sandbox, token):
        if all(
            value in each[name] if isinstance(each[name], list) else each[name] == value
            for name, value in wanted.items()
        ):
            found: dict[str, Any] = each
            return found
    raise LookupError(wanted)


def done(sandbox: Sandbox, token: str, droplet_id: int, type_: str, **asked: Any) -> dict[str, Any]:
    """Let an action happen. Returns the droplet after it."""
    answer = sandbox.act(droplet_id, token, type_, **asked)
    assert answer.status_code == 201, answer.text
    sandbox.forward(LONG)
    action = sandbox.get(f"/v2/actions/{answer.json()['action']['id']}", token).json()["action"]
    assert action["status"] == "completed"
    return droplet(sandbox, token, droplet_id)


def refused(answer: requests.Response, status: int = 422, id_: str = "unprocessable_entity") -> str:
    """The message of a refusal."""
    assert (answer.status_code, answer.json()["id"]) == (status, id_)
    message: str = answer.json()["message"]
    return message


def unbacked(sandbox: Sandbox, token: str) -> list[dict[str, Any]]:
    """The free droplets without backups."""
    page = sandbox.get("/v2/droplets", token, per_page=200).json()
    return [each for each in page["droplets"] if "backups" not in each["features"] and not each["locked"]]
