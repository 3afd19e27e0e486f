"""Changes as CSV, JSON and Atom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.feedgenerator import Atom1Feed

from common.spreadsheet import table
from droplets.changes.search import ChangeSearch, Timeline
from droplets.models import Change

_OUTSIDE = "Outside Conveyor"
COLUMNS = (
    "id", "at", "since", "team", "team_uuid", "droplet_id", "droplet", "kind", "before", "after", "through_conveyor",
    "person",
)  # fmt: skip


def csv_lines(timeline: Timeline, search: ChangeSearch) -> Iterator[str]:
    return table(COLUMNS, (tuple(_record(timeline, each).values()) for each in timeline.everything(search)))


def json_lines(timeline: Timeline, search: ChangeSearch) -> Iterator[str]:
    """One object with the list `changes`, one in each line."""
    yield '{"changes":['
    between = "\n"
    for each in timeline.everything(search):
        yield between + msgspec.json.encode(_record(timeline, each)).decode()
        between = ",\n"
    yield "\n]}\n"


def atom(timeline: Timeline, search: ChangeSearch, address: str) -> str:
    """A feed (RFC 4287) of the latest changes. `address` is its own, absolute."""
    found = timeline.page(search).changes
    page = f"{settings.BASE_URL}{reverse('droplets:changes')}"
    feed = Atom1Feed("Conveyor: activity", page, "", feed_url=address, feed_guid=page)
    for each in found:
        feed.add_item(
            f"{each.droplet_name}: {each.title}",
            f"{page}?{ChangeSearch(team=each.team_key, droplet=str(each.droplet_id)).query()}",
            sentence(each),
            author_name=timeline.who(each) or _OUTSIDE,
            categories=(timeline.teams[each.team_key].team_name,),
            pubdate=each.at,
            updateddate=each.at,
            unique_id=f"{page}#{each.pk}",
        )
    if not found:  # else the library takes a moment for it that changes with each request
        feed.latest_post_date = lambda: timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)  # type: ignore[method-assign]  # of this feed
    return feed.writeString("utf-8")


def sentence(change: Change) -> str:
    """“web-1 → web-2”, or the only text that there is."""
    return " → ".join(text for text in change.texts if text)


def _record(timeline: Timeline, change: Change) -> dict[str, Any]:
    values = (
        change.pk, change.at.isoformat(), change.since.isoformat(), timeline.teams[change.team_key].team_name,
        change.team_key, change.droplet_id, change.droplet_name, change.kind, change.before, change.after,
        "true" if change.action_id else "false", timeline.who(change),
    )  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))
