"""What has changed from one reading of a team's droplets to the next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from droplets.fleet.statuses import status_of
from droplets.fleet.summary import DropletSummary, tag_key
from droplets.models import Change

_LONGEST = 1_000  # characters of a text that is stored


class Difference(NamedTuple):
    """`name` is the droplet's latest one. `before` and `after` are texts, "" for nothing."""

    droplet: int
    name: str
    kind: Change.Kind
    before: str
    after: str


def compare(before: Iterable[DropletSummary], after: Iterable[DropletSummary]) -> list[Difference]:
    """The differences between two complete readings, ordered by droplet. Each droplet has one of a kind at most.

    Droplets are the same by id: another one of the same name is another one. What DigitalOcean did not send in one of
    the readings has not changed.
    """
    old, new = ({droplet.id: droplet for droplet in droplets} for droplets in (before, after))
    found = []
    for id_ in sorted(old.keys() | new.keys()):
        was, now = old.get(id_), new.get(id_)
        if was is None and now:
            found.append(Difference(id_, now.name, Change.Kind.APPEARED, "", _short(now.address)))
        elif now is None and was:
            found.append(Difference(id_, was.name, Change.Kind.GONE, _short(was.address), ""))
        elif was and now and was != now:
            texts = ((kind, _short(first), _short(second)) for kind, first, second in _changed(was, now))
            found += [Difference(id_, now.name, *text) for text in texts]
    return found


def _changed(was: DropletSummary, now: DropletSummary) -> Iterator[tuple[Change.Kind, str, str]]:
    if was.name != now.name:
        yield Change.Kind.RENAMED, was.name, now.name
    if was.size_slug and now.size_slug and was.size_slug != now.size_slug:
        yield Change.Kind.RESIZED, was.size_slug, now.size_slug
    if was.status and now.status and was.status != now.status:
        powered = {("off", "active"): Change.Kind.POWERED_ON, ("active", "off"): Change.Kind.POWERED_OFF}
        kind = powered.get((was.status, now.status), Change.Kind.STATUS)
        yield kind, status_of(was.status).label, status_of(now.status).label
    if set(was.public + was.private) != set(now.public + now.private):
        yield Change.Kind.ADDRESSES, ", ".join(was.public + was.private), ", ".join(now.public + now.private)
    if {tag_key(tag) for tag in was.tags} != {tag_key(tag) for tag in now.tags}:
        yield Change.Kind.TAGS, _tags(was), _tags(now)
    if was.monthly is not None and now.monthly is not None and was.monthly != now.monthly:
        yield Change.Kind.PRICE, f"${was.monthly:,.2f} a month", f"${now.monthly:,.2f} a month"


def _tags(droplet: DropletSummary) -> str:
    return ", ".join(sorted(droplet.tags, key=tag_key))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
