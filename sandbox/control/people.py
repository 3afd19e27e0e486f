"""Control API: users, their accounts and their teams."""

from __future__ import annotations

from typing import Any

from sandbox import errors
from sandbox import people as sandbox_people
from sandbox.control.handlers import Body, allow_only
from sandbox.simulation import Simulation

STATUSES = ("active", "warning", "locked")


def teams(simulation: Simulation, body: Body) -> Any:
    """GET teams."""
    members: dict[str, list[str]] = {}
    people = []
    for user in sandbox_people.users(simulation.store):
        uuids = [team.uuid for team in sandbox_people.teams_of(simulation.store, user.uuid)]
        for team_uuid in uuids:
            members.setdefault(team_uuid, []).append(user.uuid)
        people.append(
            {
                "uuid": user.uuid,
                "name": user.name,
                "email": user.email,
                "status": user.status,
                "teams": uuids,
            }
        )
    found = []
    for team in sandbox_people.teams(simulation.store):
        ordinary, gpus = simulation.fleets.counts(team)
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


def add(simulation: Simulation, body: Body) -> Any:
    """POST people: add a user without a team."""
    allow_only(body, "name", "email")
    name, email = body.get("name"), body.get("email")
    if not (isinstance(name, str) and name and isinstance(email, str) and email):
        raise ValueError("name and email must be strings")
    if any(user.email == email for user in sandbox_people.users(simulation.store)):
        raise ValueError("another user has this email already")
    return {"user": sandbox_people.add_user(simulation.store, simulation.parameters.seed, name, email)}


def account(simulation: Simulation, body: Body) -> Any:
    """POST account: change a user's account, or add the user to the team of a name, which is created if needed."""
    allow_only(body, "user", "status", "status_message", "email", "team")
    user = sandbox_people.user(simulation.store, str(body.get("user")))
    if user is None:
        raise ValueError("user must be the uuid of a user")
    if any(not isinstance(value, str) for value in body.values()):
        raise ValueError("every value must be a string")
    status = body.get("status", user.status)
    if status not in STATUSES:
        raise ValueError(f"status must be one of {', '.join(STATUSES)}")
    email = body.get("email", user.email)
    message = body.get("status_message", user.status_message)
    simulation.store.run(
        "UPDATE users SET status = ?, status_message = ?, email = ? WHERE uuid = ?", status, message, email, user.uuid
    )
    if name := body.get("team"):
        uuid = sandbox_people.add_team(simulation.store, simulation.parameters.seed, name)
        sandbox_people.join(simulation.store, user.uuid, uuid)
        return {"team": uuid}
    return {}


def rename_team(simulation: Simulation, body: Body) -> Any:
    """POST teams/{team_uuid}: rename the team. Its droplets stay as they are."""
    allow_only(body, "name")
    team = sandbox_people.team(simulation.store, str(body["path:team_uuid"]))
    if team is None:
        raise errors.not_found()
    name = body.get("name")
    if not isinstance(name, str) or not name:
        raise ValueError("name must be a string")
    simulation.fleets.for_team(team)  # generate the droplets now: their names depend on the team's name
    simulation.store.run("UPDATE teams SET name = ? WHERE uuid = ?", name, team.uuid)
    return {}
