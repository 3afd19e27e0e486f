"""DigitalOcean's actions on the time line: those that made no difference between two readings, and those that failed.

They come from the list of all of a team's actions, which has no person, and from Conveyor's own rows, which have. So
those that were done through Conveyor are on the time line even where the token may not read the list.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.background import usable_connections
from accounts.models import Connection
from accounts.tokens import access_tokens
from digitalocean_client import actions as actions_api
from digitalocean_client import api, errors, executor
from digitalocean_client.actions import TeamAction
from digitalocean_client.lists import ListPage
from droplets.actions.display import detail_of, title_of
from droplets.calls import rate_limit
from droplets.changes.store import insert
from droplets.fleet import readings
from droplets.models import Action, Change, TeamReading

log = logging.getLogger(__name__)

_SECONDS = 30.0
_CLOCK_SKEW = timedelta(minutes=1)  # between DigitalOcean's clock and Conveyor's
_LONGEST = timedelta(hours=1)
"""How much longer ago an action may have begun than the oldest that is looked for has ended. Few take longer."""

_Kind = Change.Kind
_EFFECTS: dict[str, tuple[str, ...]] = {
    "create": (_Kind.APPEARED,),
    "destroy": (_Kind.GONE,),
    "rename": (_Kind.RENAMED,),
    "resize": (_Kind.RESIZED, _Kind.PRICE),
    "enable_ipv6": (_Kind.ADDRESSES,),
    "power_on": (_Kind.POWERED_ON, _Kind.STATUS),
    "power_off": (_Kind.POWERED_OFF, _Kind.STATUS),
    "shutdown": (_Kind.POWERED_OFF, _Kind.STATUS),
}
"""Types of actions that readings show as one of these kinds of changes, unless another action undid it at once."""

_OWN_KINDS = set(Change.ACTIONS) - {_Kind.ACTION, _Kind.FAILED}

_Pages = executor.Calls[UUID, ListPage[TeamAction]]


class _Ended(NamedTuple):
    """An action that has ended. `id` is DigitalOcean's, `row` is Conveyor's own."""

    id: int
    droplet: int
    type: str
    began: datetime
    ended: datetime
    is_failed: bool
    row: Action | None


def store_actions(pks: Iterable[UUID]) -> None:
    """Read the latest actions of these connections' teams, and store those that have ended since the last time.

    It begins with the first reading of a team: what was before is not stored.
    """
    rows = TeamReading.objects.filter(connection__in=usable_connections().filter(pk__in=list(pks)))
    found = {row.pk: row for row in rows.exclude(taken_at=None).select_related("connection__account__user")}
    TeamReading.objects.filter(pk__in=found, actions_until=None).update(actions_until=timezone.now() - _CLOCK_SKEW)
    begun = [row for row in found.values() if row.actions_until]
    listed = _read(begun)
    for row in begun:
        if row.pk in listed:
            with transaction.atomic():
                _store(row, listed[row.pk])


def _read(rows: Sequence[TeamReading]) -> dict[UUID, list[TeamAction]]:
    """The actions that may have ended since each row's `actions_until`, all connections side by side.

    Connections whose list could not be read are left out, but for those whose token may not: they have none.
    """
    deadline = monotonic() + _SECONDS
    since = {row.pk: (row.actions_until or timezone.now()) - _CLOCK_SKEW for row in rows}
    found: dict[UUID, list[TeamAction]] = {pk: [] for pk in since}
    tokens = dict(access_tokens([row.connection for row in rows], deadline=deadline))
    usable = {connection.pk: token for connection, token in tokens.items() if isinstance(token, str)}
    pages = dict.fromkeys(usable, 0)
    calls: _Pages = executor.Calls()

    unread = since.keys() - usable.keys()

    def ask(pk: UUID) -> None:
        if rate_limit.reserve(pk, 1, for_reading=True):
            unread.add(pk)
        else:
            pages[pk] += 1
            calls.start(pk, partial(actions_api.team_actions, usable[pk], pages[pk], deadline))

    for pk in usable:
        ask(pk)
    for pk, page in calls.completed(deadline=deadline):
        if isinstance(page, errors.DigitalOceanError):
            rate_limit.note_limit(pk, page)
            if not isinstance(page, errors.NotAllowed):
                unread.add(pk)
        else:
            found[pk] += page.items
            oldest = min((each.started_at for each in page.items if each.started_at), default=None)
            has_more = page.length and pages[pk] * api.PER_PAGE < page.total
            if not (has_more and oldest and oldest > since[pk] - _LONGEST):
                continue
            if pages[pk] < readings.MOST_ACTION_PAGES:
                ask(pk)
            else:
                log.warning("A team has had more actions than are read at a time", extra={"connection": str(pk)})
    return {pk: actions for pk, actions in found.items() if pk not in unread | set(calls)}


def _store(row: TeamReading, listed: Sequence[TeamAction]) -> None:
    """In a transaction: store what belongs on the time line, and until when that is done."""
    connection = row.connection
    team = TeamReading.objects.filter(pk__in=Connection.objects.of_team(connection).values("pk"))
    # In the same order as `store.store_reading`, which locks them too.
    list(team.select_for_update().order_by("pk").values_list("pk"))
    until = (row.taken_at or timezone.now()) - _CLOCK_SKEW
    since = min(row.actions_until or until, until) - _CLOCK_SKEW
    shown = [each for each in _ended(connection, listed, since) if _is_shown(each, until)]
    shown = _without_effect(connection, shown)
    stored = _stored(connection, shown)
    new = []
    for each in shown:
        change = _change(row, each)
        known = stored.get((each.id, each.began))
        if known is None:
            new.append(change)
        elif known.action_id is None and change.action_id:  # its answer was lost, and has been found since
            Change.objects.filter(pk=known.pk).update(
                action_id=change.action_id, user_id=change.user_id, after=change.after
            )
    if new:
        names = {droplet.id: droplet.name for droplet in readings.droplets_of(row) or ()}
        for change in new:
            change.droplet_name = (names.get(change.droplet_id) or change.droplet_name)[:255]
        insert(sorted(new, key=lambda each: (each.at, each.digitalocean_id)))
    TeamReading.objects.filter(pk=row.pk).update(actions_until=until)


def _ended(connection: Connection, listed: Sequence[TeamAction], since: datetime) -> list[_Ended]:
    """The actions on droplets that ended after `since`, each once."""
    ended = Action.objects.in_team(connection).filter(
        status__in=[Action.Status.COMPLETED, Action.Status.ERRORED], ended_at__gt=since - _LONGEST
    )
    found: dict[tuple[int, datetime], _Ended] = {}
    for row in ended:
        if row.digitalocean_id and row.began_at and row.ended_at:
            failed = row.status == Action.Status.ERRORED
            found[row.digitalocean_id, row.began_at] = _Ended(
                row.digitalocean_id, row.droplet_id, row.kind, row.began_at, row.ended_at, failed, row
            )
    for each in listed:
        droplet, began, done = each.resource_id, each.started_at, each.completed_at
        is_new = each.resource_type == "droplet" and each.status in ("completed", "errored") and done and done > since
        if is_new and droplet and began and done:
            failed = each.status == "errored"
            found.setdefault(
                (each.id, began), _Ended(each.id, droplet, str(each.type or ""), began, done, failed, None)
            )
    return list(found.values())


def _is_shown(each: _Ended, until: datetime) -> bool:
    """Not yet where a later reading may show its effect."""
    return each.is_failed or each.type not in _EFFECTS or each.ended <= until


def _without_effect(connection: Connection, ended: Sequence[_Ended]) -> list[_Ended]:
    """Without those that a reading has shown."""
    wanted = {each.droplet for each in ended if each.type in _EFFECTS and not each.is_failed}
    if not wanted:
        return list(ended)
    oldest = min(each.ended for each in ended)
    changes = Change.objects.filter(
        Q(at__gte=oldest - _CLOCK_SKEW), team_key=connection.team_key, droplet_id__in=wanted
    ).exclude(kind__in=Change.ACTIONS)
    seen = list(changes.values_list("droplet_id", "kind", "since", "at"))

    def is_seen(each: _Ended) -> bool:
        return not each.is_failed and any(
            droplet == each.droplet
            and kind in _EFFECTS.get(each.type, ())
            and since - _CLOCK_SKEW <= each.ended <= at + _CLOCK_SKEW
            for droplet, kind, since, at in seen
        )

    return [each for each in ended if not is_seen(each)]


def _stored(connection: Connection, ended: Sequence[_Ended]) -> dict[tuple[int, datetime], Change]:
    """Those that are on the time line, by DigitalOcean's id and when they began."""
    droplets, ids = {each.droplet for each in ended}, {each.id for each in ended}
    found = Change.objects.filter(team_key=connection.team_key, droplet_id__in=droplets, digitalocean_id__in=ids)
    return {(each.digitalocean_id, each.since): each for each in found}


def _change(row: TeamReading, each: _Ended) -> Change:
    kind = _Kind.FAILED if each.is_failed else _Kind(each.type) if each.type in _OWN_KINDS else _Kind.ACTION
    texts = [detail_of(each.row.parameters) if each.row else ""]
    if kind in (_Kind.FAILED, _Kind.ACTION):
        status = Action.Status.ERRORED if each.is_failed else Action.Status.COMPLETED
        texts.insert(0, title_of(each.type, status))
    return Change(
        team_key=row.connection.team_key,
        team_name=row.connection.team_name,
        droplet_id=each.droplet,
        droplet_name=each.row.droplet_name if each.row else f"Droplet {each.droplet}",
        digitalocean_id=each.id,
        kind=kind,
        after=" ".join(filter(None, texts))[:1_000],
        since=each.began,
        at=each.ended,
        action_id=each.row.pk if each.row else None,
        user_id=each.row.user_id if each.row else None,
    )
