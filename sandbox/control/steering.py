"""Control: the world, its settings and its clients; expiry and revocation."""

from __future__ import annotations

from typing import Any

from sandbox.control.bodies import Given, only
from sandbox.oauth import clients, grants
from sandbox.world import World


def reset(world: World, given: Given) -> Any:
    """POST reset."""
    world.reset(given)
    return {}


def settings(world: World, given: Given) -> Any:
    """POST settings; an empty body only reads them."""
    world.settings = world.settings.changed(given)
    return world.settings.as_json()


def register(world: World, given: Given) -> Any:
    """POST clients: a further OAuth application."""
    only(given, "client_id", "client_secret", "redirect_uris")
    uris = given.get("redirect_uris", [])
    named = [given.get("client_id"), given.get("client_secret")]
    if not all(isinstance(each, str) and each for each in named) or not isinstance(uris, list):
        raise ValueError("client_id and client_secret must be texts, redirect_uris a list of them")
    clients.register(world.store, given["client_id"], given["client_secret"], tuple(map(str, uris)))
    return {}


def expire(world: World, given: Given) -> Any:
    """POST expire."""
    return {"expired": grants.expire_all(world.store, *_whose(given))}


def revoke(world: World, given: Given) -> Any:
    """POST revoke."""
    return {"revoked": grants.revoke_all(world.store, *_whose(given))}


def _whose(given: Given) -> tuple[str | None, str | None]:
    only(given, "team", "user")
    team, user = given.get("team"), given.get("user")
    if not isinstance(team, str | None) or not isinstance(user, str | None):
        raise ValueError("team and user must be uuids")
    return team, user
