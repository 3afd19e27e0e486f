"""Renewing readings: one renewal of a connection at a time, however many pages, threads and processes want it.

A renewal may take longer than any page waits. The page that began it takes part for as long as it can, and the
renewal's own threads see it through. Those threads do HTTP and the cache; tokens and the database are the page's.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import datetime
from functools import partial
from threading import Lock
from time import monotonic, sleep
from uuid import UUID, uuid4

from django.utils import timezone

from accounts.models import Connection
from accounts.tokens import access_tokens
from common.cache import shared
from digitalocean_client import errors
from droplets.calls import rate_limit
from droplets.fleet import cache as fleet_cache
from droplets.fleet import merge
from droplets.fleet.cache import CachedFleet
from droplets.fleet.fetch import CALLS_AT_ONCE, FetchResult, PageFetch

log = logging.getLogger(__name__)

DEADLINE = 30.0
"""Seconds that a renewal may take. A page waits less, and shows what is there by then."""

_LEASE = DEADLINE + 5
_SLOW = 2.0
_MOST_UNDER_WAY = 128  # in this process: an ill DigitalOcean must not fill it with threads that wait
_POLL = 0.05  # seconds between two looks at what another process does; grows to five times that


class FleetRefresh:
    """One connection's, under way in this process. `done` is set when its outcome has been kept.

    `is_attended` while the page that began it waits for it: only a page's thread may ask for another token.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.pk = connection.pk
        self.lease = uuid4().hex
        self.old: CachedFleet | None = None
        self.walk: PageFetch | None = None
        self.is_attended = True
        self.is_replayed = False
        self.is_over = False
        self.began = monotonic()
        self.began_at = timezone.now()
        self.done: Future[None] = Future()
        # Its own threads, so that a team that hangs keeps nobody else's calls waiting.
        self.pool = ThreadPoolExecutor(CALLS_AT_ONCE, thread_name_prefix="renewal")

    @property
    def is_slow(self) -> bool:
        """Whether it has taken so long that a person should be told."""
        return monotonic() - self.began > _SLOW

    def so_far(self) -> FetchResult | None:
        """What has come by now; None before anything was asked."""
        return self.walk.listed() if self.walk else None


_under_way: dict[UUID, FleetRefresh] = {}
_lock = Lock()


def refresh(connections: Sequence[Connection], known: Mapping[UUID, CachedFleet], *, deadline: float) -> None:
    """Read these connections' droplets again and keep the outcome, waiting until `deadline` (of `time.monotonic`).

    `known` is what the caller has seen of them. What is being renewed already, here or in another process, is waited
    for and not asked twice. What is not done by then goes on by itself for up to `DEADLINE`. Never raises for a
    connection: its reading tells what went wrong.
    """
    mine, others = _claim(connections)
    try:
        _begin(mine, deadline)
        _wait_own(mine, deadline)
        _wait_others(others, known, deadline)
    finally:
        for renewal in mine:
            _detach(renewal)


def running(keys: Collection[UUID]) -> dict[UUID, FleetRefresh]:
    """The renewals of these connections that this process is at."""
    with _lock:
        return {pk: _under_way[pk] for pk in keys if pk in _under_way}


def _claim(connections: Sequence[Connection]) -> tuple[list[FleetRefresh], list[UUID]]:
    """Those that are this caller's to renew, and those that somebody else renews already."""
    mine: list[FleetRefresh] = []
    others: list[UUID] = []
    for connection in connections:
        with _lock:
            is_taken = connection.pk in _under_way or len(_under_way) >= _MOST_UNDER_WAY
            if not is_taken:
                renewal = _under_way[connection.pk] = FleetRefresh(connection)
        if is_taken:
            others.append(connection.pk)
        elif shared().add(_lease_key(connection.pk), renewal.lease, _LEASE):
            mine.append(renewal)
        else:
            _release(renewal)
            others.append(connection.pk)
    return mine, others


def _begin(mine: Sequence[FleetRefresh], deadline: float) -> None:
    now = timezone.now()
    latest = fleet_cache.load(renewal.pk for renewal in mine)
    wanted = []
    for renewal in mine:
        renewal.old = latest.get(renewal.pk)
        old = renewal.old
        if old and not old.is_due(now, renewal.connection.generation) and fleet_cache.is_there(renewal.pk, old):
            _give_up(renewal)  # somebody else has been here between this caller's look and its lease
        else:
            wanted.append(renewal)
    _start_with_tokens(wanted, deadline)


def _start_with_tokens(
    wanted: Sequence[FleetRefresh], deadline: float, rejected: Mapping[UUID, str] | None = None
) -> None:
    """Begin to read each as soon as its token is there."""
    by_key = {renewal.pk: renewal for renewal in wanted}
    is_waiting = deadline > monotonic()
    connections = [renewal.connection for renewal in wanted]
    for connection, token in access_tokens(connections, deadline=deadline, rejected=rejected):
        renewal = by_key[connection.pk]
        renewal.connection = connection  # as it is by now: its pair may be another
        if isinstance(token, str):
            _start_fetch(renewal, token)
        elif isinstance(token, errors.TooSlow) and not is_waiting:
            _give_up(renewal)  # its refresh goes on, and nobody has waited for it
        else:
            _end(renewal, replace(renewal.so_far() or FetchResult(), error=token, request_id=token.request_id))


def _start_fetch(renewal: FleetRefresh, token: str) -> None:
    walk = PageFetch(
        token,
        pool=renewal.pool,
        deadline=monotonic() + DEADLINE,
        reserve=partial(rate_limit.reserve, renewal.pk, for_reading=True),
        remembered=renewal.old.remembered if renewal.old else (0, 0),
    )
    with _lock:
        renewal.is_replayed = renewal.walk is not None
        renewal.walk = walk
    walk.done.add_done_callback(lambda _: _fetched(renewal, walk))
    walk.start()


def _fetched(renewal: FleetRefresh, walk: PageFetch) -> None:
    """Usually in one of the renewal's threads. A token that was rejected is its page's to replace, if it can."""
    with _lock:
        if walk is not renewal.walk or (walk.is_rejected and renewal.is_attended and not renewal.is_replayed):
            return
    _end(renewal, walk.listed())


def _wait_own(mine: Sequence[FleetRefresh], deadline: float) -> None:
    """Wait for these. Who met a 401 is read once more, with the token that took its place."""
    open_: dict[Future[None], FleetRefresh] = {r.walk.done: r for r in mine if r.walk}
    while open_ and (left := deadline - monotonic()) > 0:
        finished, _ = wait(open_, timeout=left, return_when=FIRST_COMPLETED)
        again = []
        for future in finished:
            renewal = open_.pop(future)
            if renewal.walk and future is renewal.walk.done:
                if renewal.walk.is_rejected and not renewal.is_replayed:
                    again.append(renewal)
                else:
                    open_[renewal.done] = renewal  # read; now it is being kept
        if again:
            _start_with_tokens(again, deadline, {r.pk: r.walk.token for r in again if r.walk})
            open_.update((r.walk.done, r) for r in again if r.walk and not r.is_over)


def _wait_others(others: Sequence[UUID], known: Mapping[UUID, CachedFleet], deadline: float) -> None:
    """Wait for what somebody else renews: a thread of this process, or another process that holds the lease."""
    open_ = set(others)
    pause = _POLL
    while open_ and (left := deadline - monotonic()) > 0:
        here = running(open_)
        if len(here) == len(open_):
            wait([renewal.done for renewal in here.values()], timeout=left, return_when=FIRST_COMPLETED)
        else:
            sleep(min(left, pause))
            pause = min(pause * 1.5, 5 * _POLL)
        latest = fleet_cache.load(open_)
        leases = shared().get_many([_lease_key(pk) for pk in open_])
        open_ = {
            pk
            for pk in open_
            if _tried_at(latest.get(pk)) == _tried_at(known.get(pk)) and (pk in here or _lease_key(pk) in leases)
        }


def _tried_at(reading: CachedFleet | None) -> datetime | None:
    return reading.tried_at if reading else None


def _detach(renewal: FleetRefresh) -> None:
    """Its page goes. What is still under way ends by itself; what nobody else will end is ended here."""
    with _lock:
        renewal.is_attended = False
        walk = renewal.walk
    if walk is None:
        _give_up(renewal)
    elif walk.done.done():
        _end(renewal, walk.listed())


def _end(renewal: FleetRefresh, listed: FetchResult) -> None:
    """Keep what came of it, once."""
    if not _is_first(renewal):
        return
    try:
        if listed.allowance:
            rate_limit.note_allowance(
                renewal.pk,
                remaining=listed.allowance.remaining,
                limit=listed.allowance.limit,
                reset_at=listed.allowance.reset_at,
            )
        rate_limit.note_limit(renewal.pk, listed.error)
        if listed.error:
            log.warning(
                "A team's droplets could not be read whole: %s", listed.error, extra={"connection": str(renewal.pk)}
            )
        merge.store_result(
            renewal.pk,
            listed,
            old=renewal.old,
            generation=renewal.connection.generation,
            began_at=renewal.began_at,
        )
    except Exception:
        log.exception("Keeping a reading failed", extra={"connection": str(renewal.pk)})
    finally:
        _release(renewal)


def _give_up(renewal: FleetRefresh) -> None:
    """End it without an outcome."""
    if _is_first(renewal):
        _release(renewal)


def _is_first(renewal: FleetRefresh) -> bool:
    with _lock:
        was_over, renewal.is_over = renewal.is_over, True
    return not was_over


def _release(renewal: FleetRefresh) -> None:
    """Make room for the next renewal: the lease, if it is still this one's, the place in this process, the threads."""
    key = _lease_key(renewal.pk)
    if shared().get(key) == renewal.lease:
        shared().delete(key)
    with _lock:
        if _under_way.get(renewal.pk) is renewal:
            del _under_way[renewal.pk]
    renewal.pool.shutdown(wait=False)
    renewal.done.set_result(None)


def _lease_key(pk: UUID) -> str:
    return f"renewal:{pk}"
