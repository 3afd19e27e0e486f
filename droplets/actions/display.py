"""How an action is shown: what was done, by whom, when, and with which result."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.models import Connection, User
from digitalocean_client.actions import DropletAction
from digitalocean_client.text import clean_text
from droplets.actions.backup_plans import backup_plan
from droplets.actions.kinds import KINDS
from droplets.models import Action

_LABELS_AND_BADGES = {
    Action.Status.RECORDED: ("Not sent yet", "info"),
    Action.Status.SENDING: ("Not confirmed", "warn"),
    Action.Status.IN_PROGRESS: ("In progress", "info"),
    Action.Status.COMPLETED: ("Done", "ok"),
    Action.Status.ERRORED: ("Failed", "bad"),
    Action.Status.REFUSED: ("Refused", "bad"),
    Action.Status.LOST: ("Lost", "bad"),
}
_STATUSES = {
    "in-progress": Action.Status.IN_PROGRESS,
    "completed": Action.Status.COMPLETED,
    "errored": Action.Status.ERRORED,
}
_TITLES = {"create": "Created", "destroy": "Destroyed", "change_kernel": "Kernel changed"}
_UNCONFIRMED = (
    "DigitalOcean has not confirmed this yet. Conveyor checks whether it was done, and does not send it a second time."
)


@dataclass(frozen=True)
class ActionDisplay:
    """`label` is the status in words, `badge` its colour: ok, info, warn, bad or off. `message` says more, if needed.

    `detail` are the parameters in words. `who` is empty for actions that were not started in Conveyor. `ended_at` is
    set only for actions that DigitalOcean has started.
    """

    title: str
    detail: str
    who: str
    at: datetime | None
    ended_at: datetime | None
    label: str
    badge: str
    message: str = ""
    request_id: str = ""
    is_in_flight: bool = False

    @property
    def took(self) -> str:
        """“42 s”, “3 min”, “2 h”; empty where it is unknown."""
        if self.at is None or self.ended_at is None or self.ended_at < self.at:
            return ""
        seconds = round((self.ended_at - self.at).total_seconds())
        if seconds < 100:
            return f"{seconds} s"
        return f"{round(seconds / 60)} min" if seconds < 6000 else f"{round(seconds / 3600)} h"


def display_rows(rows: Iterable[Action], viewer: User) -> list[ActionDisplay]:
    """The rows as `viewer` sees them, in the same order."""
    rows = list(rows)
    others = {row.connection_id for row in rows if row.user != viewer}
    emails = dict(Connection.objects.filter(pk__in=others).values_list("pk", "email")) if others else {}
    return [_display_row(row, viewer, emails) for row in rows]


def _display_row(row: Action, viewer: User, emails: Mapping[UUID, str]) -> ActionDisplay:
    status = Action.Status(row.status)
    label, badge = _LABELS_AND_BADGES[status]
    return ActionDisplay(
        title=title_of(row.kind, status),
        detail=detail_of(row.parameters),
        who=_who(row, viewer, emails),
        at=row.moment,
        ended_at=row.ended_at if row.began_at else None,
        label=label,
        badge=badge,
        message=row.words or (_UNCONFIRMED if status == Action.Status.SENDING else ""),
        request_id=row.request_id,
        is_in_flight=row.is_in_flight,
    )


def _who(row: Action, viewer: User, emails: Mapping[UUID, str]) -> str:
    if row.user == viewer:
        return "You"
    if row.user is None:
        return "A deleted account"
    return emails.get(row.connection_id) or "A colleague"


def display_action(action: DropletAction) -> ActionDisplay:
    """An action of DigitalOcean's list that Conveyor has no row of."""
    status = _STATUSES.get(str(action.status))
    unknown = str(action.status or "Unknown").capitalize(), "off"
    label, badge = _LABELS_AND_BADGES[status] if status else unknown
    return ActionDisplay(
        title=title_of(str(action.type or ""), status or Action.Status.COMPLETED),
        detail="",
        who="",
        at=action.started_at,
        ended_at=action.completed_at,
        label=label,
        badge=badge,
    )


def title_of(slug: str, status: Action.Status) -> str:
    """“Rebooted”, “Rebooting” or, for one that failed, “Reboot”; DigitalOcean's word for one that is not offered."""
    kind = KINDS.get(slug)
    if kind is None:
        return clean_text(_TITLES.get(slug) or slug.replace("_", " ").capitalize() or "An action")
    if status == Action.Status.COMPLETED:
        return kind.done
    return kind.doing if status in Action.IN_FLIGHT else kind.title


def detail_of(parameters: Mapping[str, Any]) -> str:
    """The parameters of an action in words: “to s-2vcpu-4gb, same disk”."""
    match parameters:
        case {"size": size}:
            return f"to {size} with a larger disk" if parameters.get("disk") else f"to {size}, same disk"
        case {"image": image}:
            return f"from {image}" if isinstance(image, str) else f"from image {image}"
        case {"tag": tag}:
            return f"“{tag}”"
        case {"name": name}:
            return f"“{name}”"
        case {"backup_policy": {"plan": plan, **rest}}:
            return backup_plan(str(plan), rest.get("weekday"), rest.get("hour"))
    return ""
