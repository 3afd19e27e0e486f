"""What was done to a droplet: DigitalOcean's list, and with it who did it in Conveyor and what never got that far."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from time import monotonic
from typing import Any

from django.conf import settings

from accounts.models import Connection
from digitalocean_client import actions as actions_api
from digitalocean_client import droplets as droplets_api
from digitalocean_client import errors
from digitalocean_client.actions_schema import DropletAction as Listed
from digitalocean_client.schema import Droplet
from droplets.actions import display
from droplets.actions.display import ActionDisplay
from droplets.calls.parallel import Call, fetch_all
from droplets.models import Action

_MOST_PAGES = 10_000
_EVER = datetime.max.replace(tzinfo=UTC)
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Activity:
    """One page of it, the latest first. `error` stands where DigitalOcean's own list could not be read.

    `droplet` is the droplet, or the error in its place: what was done outlives it.
    """

    droplet: Droplet | errors.DigitalOceanError
    entries: tuple[ActionDisplay, ...]
    page: int
    pages: int
    unreadable: int = 0
    error: errors.DigitalOceanError | None = None


def page_number(asked: str) -> int:
    """What an address asks for, as near as it makes sense."""
    is_number = asked.isascii() and asked.isdigit() and len(asked) < 9
    return min(max(int(asked), 1), _MOST_PAGES) if is_number else 1


def read_activity(connection: Connection, droplet_id: int, page: int) -> Activity:
    """Page `page`, from 1, within FLEET_DEADLINE seconds. Never raises for what DigitalOcean answers.

    The page before is read along: what Conveyor alone knows stands on the page into whose time it falls, and that
    begins where the page before ends.
    """
    questions: dict[str, Call[Any]] = {
        "droplet": lambda token, deadline: droplets_api.droplet(token, droplet_id, deadline=deadline),
        "page": partial(_page, droplet_id, page),
    }
    if page > 1:
        questions["before"] = partial(_page, droplet_id, page - 1)
    answers: dict[str, Any] = fetch_all(connection, questions, deadline=monotonic() + settings.FLEET_DEADLINE)
    droplet, listed, before = answers["droplet"], answers["page"], answers.get("before")
    rows = list(Action.objects.of_droplet(connection, droplet_id))
    error = next((each for each in (listed, before) if isinstance(each, errors.DigitalOceanError)), None)
    if error:
        # Without DigitalOcean's list there is one page: of what Conveyor knows.
        entries = display.display_rows(rows[: actions_api.PER_PAGE], connection.user) if page == 1 else []
        return Activity(droplet, tuple(entries), page, page, error=error)
    pages = max(-(-listed.total // actions_api.PER_PAGE), 1)
    newest = _oldest(before.items, _NEVER) if before else _EVER
    oldest = _oldest(listed.items, _EVER) if page < pages else _NEVER
    here, passed = _keys(listed.items), _keys(before.items) if before else set()
    mine = [row for row in rows if _key(row) in here]
    alone = [row for row in rows if _key(row) not in here | passed and oldest <= row.moment < newest]
    begun_here = {_key(row) for row in mine}
    entries = [
        *display.display_rows([*mine, *alone], connection.user),
        *(display.display_action(each) for each in listed.items if (each.id, each.started_at) not in begun_here),
    ]
    entries.sort(key=lambda entry: entry.at or _NEVER, reverse=True)
    return Activity(droplet, tuple(entries), page, pages, listed.unreadable)


def _page(droplet: int, page: int, token: str, deadline: float) -> Any:
    return actions_api.actions(token, droplet, page=page, deadline=deadline)


def _oldest(actions: Iterable[Listed], default: datetime) -> datetime:
    return min((each.started_at for each in actions if each.started_at), default=default)


def _keys(actions: Iterable[Listed]) -> set[tuple[int | None, datetime | None]]:
    return {(each.id, each.started_at) for each in actions}


def _key(row: Action) -> tuple[int | None, datetime | None]:
    return row.digitalocean_id, row.began_at
