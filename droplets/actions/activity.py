"""A droplet's activity: DigitalOcean's list of actions, merged with Conveyor's own rows.

The rows know who started an action, and those that DigitalOcean refused or never received.
"""

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
from digitalocean_client.actions import DropletAction
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
    """One page, the latest first. `error` is set where DigitalOcean's own list could not be read.

    `droplet` is an error where the droplet could not be read: the activity outlives the droplet.
    """

    droplet: Droplet | errors.DigitalOceanError
    entries: tuple[ActionDisplay, ...]
    page: int
    pages: int
    unreadable: int = 0
    error: errors.DigitalOceanError | None = None


def page_number(text: str) -> int:
    """The page number in a query string, from 1; 1 where it is not a number."""
    is_number = text.isascii() and text.isdigit() and len(text) < 9
    return min(max(int(text), 1), _MOST_PAGES) if is_number else 1


def read_activity(connection: Connection, droplet_id: int, page: int) -> Activity:
    """Page `page`, from 1, within PAGE_DEADLINE seconds. DigitalOcean's errors are part of the result.

    The page before is read too: rows that only Conveyor knows go on the page that covers their time, which starts
    where the page before ends.
    """
    calls: dict[str, Call[Any]] = {
        "droplet": lambda token, deadline: droplets_api.droplet(token, droplet_id, deadline=deadline),
        "page": partial(_page, droplet_id, page),
    }
    if page > 1:
        calls["before"] = partial(_page, droplet_id, page - 1)
    answers: dict[str, Any] = fetch_all(connection, calls, deadline=monotonic() + settings.PAGE_DEADLINE)
    droplet, current, before = answers["droplet"], answers["page"], answers.get("before")
    rows = list(Action.objects.of_droplet(connection, droplet_id))
    error = next((each for each in (current, before) if isinstance(each, errors.DigitalOceanError)), None)
    if error:
        # Without DigitalOcean's list there is one page, with Conveyor's own rows.
        entries = display.display_rows(rows[: actions_api.PER_PAGE], connection.user) if page == 1 else []
        return Activity(droplet, tuple(entries), page, page, error=error)
    pages = max(-(-current.total // actions_api.PER_PAGE), 1)
    newest = _oldest(before.items, _NEVER) if before else _EVER
    oldest = _oldest(current.items, _EVER) if page < pages else _NEVER
    here, earlier = _keys(current.items), _keys(before.items) if before else set()
    matched = [row for row in rows if _key(row) in here]
    unmatched = [row for row in rows if _key(row) not in here | earlier and oldest <= row.moment < newest]
    matched_keys = {_key(row) for row in matched}
    entries = [
        *display.display_rows([*matched, *unmatched], connection.user),
        *(display.display_action(each) for each in current.items if (each.id, each.started_at) not in matched_keys),
    ]
    entries.sort(key=lambda entry: entry.at or _NEVER, reverse=True)
    return Activity(droplet, tuple(entries), page, pages, current.unreadable)


def _page(droplet: int, page: int, token: str, deadline: float) -> Any:
    return actions_api.actions(token, droplet, page=page, deadline=deadline)


def _oldest(actions: Iterable[DropletAction], default: datetime) -> datetime:
    return min((each.started_at for each in actions if each.started_at), default=default)


def _keys(actions: Iterable[DropletAction]) -> set[tuple[int | None, datetime | None]]:
    return {(each.id, each.started_at) for each in actions}


def _key(row: Action) -> tuple[int | None, datetime | None]:
    return row.digitalocean_id, row.began_at
