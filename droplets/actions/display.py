"""An action in words: what was done, by whom, when, and how it went."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.models import Connection, User
from digitalocean_client import actions_schema
from digitalocean_client.text import Text
from droplets.actions.kinds import KINDS
from droplets.models import Action

_LOOKS = {
    Action.Status.RECORDED: "info",
    Action.Status.SENDING: "warn",
    Action.Status.IN_PROGRESS: "info",
    Action.Status.COMPLETED: "ok",
}
_DIGITALOCEANS = {
    "in-progress": Action.Status.IN_PROGRESS,
    "completed": Action.Status.COMPLETED,
    "errored": Action.Status.ERRORED,
}
_TITLES = {"create": "Created", "destroy": "Destroyed", "change_kernel": "Kernel changed"}
_UNSURE = (
    "Sent, and not answered yet. If the answer is lost on the way, Conveyor looks up at DigitalOcean what became of it "
    "and does not send it again."
)


@dataclass(frozen=True)
class ActionDisplay:
    """`detail` is what was asked for beside the kind. `look` is the badge's: ok, info, warn or bad.

    `who` is empty for what was not done through Conveyor. `ended_at` is of what DigitalOcean has begun.
    """

    title: str
    detail: str
    who: str
    at: datetime | None
    ended_at: datetime | None
    word: str
    look: str
    words: str = ""
    request_id: str = ""
    is_in_flight: bool = False

    @property
    def took(self) -> str:
        """“42 s”, “3 min”, “2 h”; empty where it is not known."""
        if self.at is None or self.ended_at is None or self.ended_at < self.at:
            return ""
        seconds = round((self.ended_at - self.at).total_seconds())
        if seconds < 100:
            return f"{seconds} s"
        return f"{round(seconds / 60)} min" if seconds < 6000 else f"{round(seconds / 3600)} h"


def display_rows(rows: Iterable[Action], viewer: User) -> list[ActionDisplay]:
    """As this person is told of them."""
    rows = list(rows)
    others = {row.connection_id for row in rows if row.user != viewer}
    emails = dict(Connection.objects.filter(pk__in=others).values_list("pk", "email")) if others else {}
    return [_of_row(row, viewer, emails) for row in rows]


def _of_row(row: Action, viewer: User, emails: Mapping[UUID, str]) -> ActionDisplay:
    status = Action.Status(row.status)
    return ActionDisplay(
        title=_title(row.kind, status),
        detail=_detail(row.parameters),
        who=_who(row, viewer, emails),
        at=row.moment,
        ended_at=row.ended_at if row.began_at else None,
        word=str(status.label),
        look=_LOOKS.get(status, "bad"),
        words=row.words or (_UNSURE if status == Action.Status.SENDING else ""),
        request_id=row.request_id,
        is_in_flight=row.is_in_flight,
    )


def _who(row: Action, viewer: User, emails: Mapping[UUID, str]) -> str:
    if row.user == viewer:
        return "You"
    if row.user is None:
        return "Somebody who left Conveyor"
    return emails.get(row.connection_id) or "A colleague"


def display_action(action: actions_schema.DropletAction) -> ActionDisplay:
    """One that was not begun through Conveyor, or so long ago that it is not known any more."""
    status = _DIGITALOCEANS.get(str(action.status))
    return ActionDisplay(
        title=_title(str(action.type or ""), status or Action.Status.COMPLETED),
        detail="",
        who="",
        at=action.started_at,
        ended_at=action.completed_at,
        word=str(status.label) if status else str(action.status or "Unknown").capitalize(),
        look=_LOOKS.get(status, "bad") if status else "off",
    )


def _title(slug: str, status: Action.Status) -> str:
    kind = KINDS.get(slug)
    if kind is None:
        return str(Text(_TITLES.get(slug) or slug.replace("_", " ").capitalize() or "An action"))
    if status == Action.Status.COMPLETED:
        return kind.done
    return kind.doing if status in Action.IN_FLIGHT else kind.title


def _detail(parameters: Mapping[str, Any]) -> str:
    """“to s-2vcpu-4gb, disk included”."""
    match parameters:
        case {"size": size}:
            return f"to {size}, disk included" if parameters.get("disk") else f"to {size}, the disk as it is"
        case {"image": image}:
            return f"from {image}" if isinstance(image, str) else f"from image {image}"
        case {"name": name}:
            return f"“{name}”"
        case {"backup_policy": {"plan": plan, "hour": hour, **rest}}:
            day = f", {str(rest['weekday']).capitalize()}" if "weekday" in rest else ""
            return f"{plan}{day}, from {hour:02}:00 UTC"
    return ""
