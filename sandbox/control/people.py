"""Control: users, their accounts and their teams."""

from __future__ import annotations

from typing import Any

from sandbox import people as sandbox_people
from sandbox.control.bodies import Given, only
from sandbox.world import World

STATUSES = ("active", "warning", "locked")


def teams(world: World, given: Given) -> Any:
    """GET teams."""
    members: dict[str, list[str]] = {}
    people = []
    for user in sandbox_people.users(world.store):
        theirs = [team.uuid for team in sandbox_people.teams_of(world.store, user.uuid)]
        for uuid in theirs:
            members.setdefault(uuid, []).append(user.uuid)
        people.append(
            {
                "uuid": user.uuid,
                "name": user.name,
                "email": user.email,
                "status": user.status,
                "teams": theirs,
            }
        )
    found = []
    for team in sandbox_people.teams(world.store):
        ordinary, gpus = world.fleets.counts(team)
        found.append(
            {
                "uuid": team.uuid,
                "name": team.name,
                "members": members.get(team.uuid, []),
                "droplets": ordinary,
                "gpus": gpus,
            }
        )
    return {"users": people, "teams": found}


def add(world: World, given: Given) -> Any:
    """POST people: a further person, without a team."""
    only(given, "name", "email")
    name, email = given.get("name"), given.get("email")
    if not (isinstance(name, str) and name and isinstance(email, str) and email):
        raise ValueError("name and email must be texts")
    if any(user.email == email for user in sandbox_people.users(world.store)):
        raise ValueError("somebody has this email already")
    return {"user": sandbox_people.add_user(world.store, world.shape.seed, name, email)}


def account(world: World, given: Given) -> Any:
    """POST account: change a user's status or e-mail address, or make them a member of the team of a name."""
    only(given, "user", "status", "email", "team")
    user = sandbox_people.user(world.store, str(given.get("user")))
    if user is None:
        raise ValueError("user must be the uuid of a user")
    if any(not isinstance(value, str) for value in given.values()):
        raise ValueError("every value must be a text")
    status = given.get("status", user.status)
    if status not in STATUSES:
        raise ValueError(f"status must be one of {', '.join(STATUSES)}")
    email = given.get("email", user.email)
    world.store.run("UPDATE users SET status = ?, email = ? WHERE uuid = ?", status, email, user.uuid)
    if name := given.get("team"):
        uuid = sandbox_people.add_team(world.store, world.shape.seed, name)
        sandbox_people.join(world.store, user.uuid, uuid)
        return {"team": uuid}
    return {}
