"""Generated past actions of a generated droplet: its creation, its snapshots, and what its status implies."""

from __future__ import annotations

from sandbox.clock import epoch
from sandbox.fleet import snapshots
from sandbox.fleet.action import Action
from sandbox.fleet.droplets import TODAY, Droplet
from sandbox.fleet.fields import list_field, object_field
from sandbox.fleet.team_resources import TeamResources

IDS = 10  # per droplet: an action's id is the droplet's id times ten, plus a digit
CREATE, BACKUPS, FIRST_SNAPSHOT, POWER, LOCK = 0, 1, 2, 8, 9
DAY = 86_400


def past_actions(resources: TeamResources, droplet: Droplet) -> list[Action]:
    """The generated past actions of a droplet. A locked droplet has one in progress."""
    if type(droplet.get("id")) is not int:
        return []
    today = TODAY.timestamp()
    born = epoch(droplet.get("created_at")) or today
    new = droplet.get("status") == "new"
    found = [_action(droplet, CREATE, "create", born, None if new else 43)]
    if not new:
        if "backups" in list_field(droplet, "features"):
            found.append(_action(droplet, BACKUPS, "enable_backups", born + 620, 1))
        for number, entry in enumerate(
            snapshots.by_ids(resources, list_field(droplet, "snapshot_ids"))[: POWER - FIRST_SNAPSHOT]
        ):
            taken = epoch(entry.image["created_at"]) or today
            found.append(_action(droplet, FIRST_SNAPSHOT + number, "snapshot", taken, 95))
        if droplet.get("status") == "off":
            stopped = max(born + 3_600, today - (1 + droplet["id"] % 90) * DAY)
            found.append(_action(droplet, POWER, "power_off", stopped, 4))
        if droplet.get("locked") is True:
            found.append(_action(droplet, LOCK, "snapshot", max(born + 7_200, today - 300), None))
    return found


def _action(droplet: Droplet, digit: int, type_: str, started: float, seconds: int | None) -> Action:
    return Action(
        id=droplet["id"] * IDS + digit,
        type=type_,
        status="in-progress" if seconds is None else "completed",
        started_at=started,
        completed_at=None if seconds is None else started + seconds,
        droplet_id=droplet["id"],
        region=object_field(droplet, "region"),
    )
