"""Control API: the simulation, its settings, OAuth clients, expiry and revocation."""

from __future__ import annotations

from typing import Any

from sandbox.control.handlers import Body, allow_only
from sandbox.grants import clients, grants
from sandbox.simulation import Simulation


def reset(simulation: Simulation, body: Body) -> Any:
    """POST reset."""
    simulation.reset(body)
    return {}


def settings(simulation: Simulation, body: Body) -> Any:
    """POST settings: change some; an empty body only reads them."""
    simulation.settings = simulation.settings.changed(body)
    return simulation.settings.as_json()


def register(simulation: Simulation, body: Body) -> Any:
    """POST clients: register another OAuth client."""
    allow_only(body, "client_id", "client_secret", "name", "redirect_uris")
    uris = body.get("redirect_uris", [])
    client_id, secret = body.get("client_id"), body.get("client_secret")
    name = body.get("name", client_id)
    if not all(isinstance(each, str) and each for each in (client_id, secret, name)) or not isinstance(uris, list):
        raise ValueError("client_id, client_secret and name must be strings, redirect_uris a list of strings")
    clients.register(simulation.store, str(client_id), str(secret), str(name), tuple(map(str, uris)))
    return {}


def expire(simulation: Simulation, body: Body) -> Any:
    """POST expire."""
    return {"expired": grants.expire_all(simulation.store, *_whose(body))}


def revoke(simulation: Simulation, body: Body) -> Any:
    """POST revoke."""
    return {"revoked": grants.revoke_all(simulation.store, *_whose(body))}


def _whose(body: Body) -> tuple[str | None, str | None]:
    allow_only(body, "team", "user")
    team, user = body.get("team"), body.get("user")
    if not isinstance(team, str | None) or not isinstance(user, str | None):
        raise ValueError("team and user must be uuids")
    return team, user
