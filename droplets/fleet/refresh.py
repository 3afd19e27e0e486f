"""Reloading cached fleets: one reload of a connection at a time, however many pages, threads and processes ask for it.

A reload may take longer than any page waits. The page that started it waits as long as it can, and a thread of its own
finishes it. Only the page's thread uses tokens and the database; the other threads do HTTP and the cache.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
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
from digitalocean_client import errors, executor
from droplets.calls import rate_limit
from droplets.fleet import cache as fleet_cache
from droplets.fleet import merge
from droplets.fleet.cache import CachedFleet
from droplets.fleet.fetch import FetchResult, PageFetch

log = logging.getLogger(__name__)

DEADLINE = 30.0
"""Seconds that a reload may take. A page waits less, and shows what is there by then."""

_LEASE = DEADLINE + 5
_SLOW = 2.0
_MOST_RUNNING = 128  # in this process: when DigitalOcean hangs, waiting threads must not fill it
_POLL = 0.05  # seconds between two looks at another process's reload; grows to five times that


class FleetRefresh:
    """The reload of one connection that runs in this process. `done` is set when its result is stored.

    `is_attended` while the page that started it waits for it: only a page's thread may ask for another token.
    `is_left` when it met a 401 and left it to that page to get another token.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.pk = connection.pk
        self.lease = uuid4().hex
        self.old: CachedFleet | None = None
        self.fetch: PageFetch | None = None
        self.is_attended = True
        self.is_left = False
        self.is_replayed = False
        self.is_over = False
        self.began = monotonic()
        self.began_at = timezone.now()
        self.done: Future[None] = Future()

    @property
    def is_slow(self) -> bool:
        """Whether it has taken so long that a person should be told."""
        return monotonic() - self.began > _SLOW

    def partial_result(self) -> FetchResult:
        """What has come by now."""
        return self.fetch.result() if self.fetch else FetchResult()


_Fetches = executor.Calls[FleetRefresh, None]

_running: dict[UUID, FleetRefresh] = {}
_lock = Lock()


def refresh(connections: Sequence[Connection], known: Mapping[UUID, CachedFleet], *, deadline: float) -> None:
    """Reload these connections' droplets and store the results, waiting until `deadline` (of `time.monotonic`).

    `known` is what the caller has seen of them. A reload that runs already, here or in another process, is waited for
    and not repeated. What is not done by then goes on by itself for up to `DEADLINE` seconds. Never raises for a
    connection: its cached fleet holds the failure.
    """
    mine, others = _claim(connections)
    try:
        fetches = _begin(mine, deadline)
        _wait_own(fetches, deadline)
        _wait_others(others, known, deadline)
    finally:
        for each in mine:
            _detach(each)


def running(keys: Collection[UUID]) -> dict[UUID, FleetRefresh]:
    """The reloads of these connections that run in this process."""
    return {pk: each for pk in keys if (each := _running.get(pk))}


def _claim(connections: Sequence[Connection]) -> tuple[list[FleetRefresh], list[UUID]]:
    """The reloads that this caller is to do, and the connections that another one reloads already."""
    mine: list[FleetRefresh] = []
    others: list[UUID] = []
    for connection in connections:
        with _lock:
            is_taken = connection.pk in _running or len(_running) >= _MOST_RUNNING
            if not is_taken:
                claimed = _running[connection.pk] = FleetRefresh(connection)
        if is_taken:
            others.append(connection.pk)
        elif shared().add(_lease_key(connection.pk), claimed.lease, _LEASE):
            mine.append(claimed)
        else:
            _release(claimed)
            others.append(connection.pk)
    return mine, others


def _begin(mine: Sequence[FleetRefresh], deadline: float) -> _Fetches:
    now = timezone.now()
    latest = fleet_cache.load(each.pk for each in mine)
    wanted = []
    for each in mine:
        old = each.old = latest.get(each.pk)
        if old and not old.is_due(now, each.connection.generation) and fleet_cache.is_there(each.pk, old):
            _give_up(each)  # another one has reloaded it between this caller's look and its lease
        else:
            wanted.append(each)
    fetches: _Fetches = executor.Calls()
    _start_with_tokens(fetches, wanted, deadline)
    return fetches


def _start_with_tokens(
    fetches: _Fetches, wanted: Sequence[FleetRefresh], deadline: float, rejected: Mapping[UUID, str] | None = None
) -> None:
    """Start each fetch as soon as its token is there."""
    by_key = {each.pk: each for each in wanted}
    is_waiting = deadline > monotonic()
    connections = [each.connection for each in wanted]
    for connection, token in access_tokens(connections, deadline=deadline, rejected=rejected):
        each = by_key[connection.pk]
        each.connection = connection  # as it is by now: its token pair may be another
        if isinstance(token, str):
            _start_fetch(fetches, each, token)
        elif isinstance(token, errors.TooSlow) and not is_waiting:
            _give_up(each)  # its token refresh goes on, and nobody has waited for it
        else:
            _end(each, replace(each.partial_result(), error=token, request_id=token.request_id))


def _start_fetch(fetches: _Fetches, each: FleetRefresh, token: str) -> None:
    fetch = PageFetch(
        token,
        deadline=monotonic() + DEADLINE,
        reserve=partial(rate_limit.reserve, each.pk, for_reading=True),
        remembered=each.old.remembered if each.old else (0, 0),
    )
    each.is_replayed, each.is_left, each.fetch = each.fetch is not None, False, fetch
    fetches.start(each, _fetch, each, fetch)


def _fetch(each: FleetRefresh, fetch: PageFetch) -> None:
    """In a thread: fetch and store. A rejected token is left to the page to replace, if it still waits."""
    try:
        fetch.run()
    except Exception:
        _give_up(each)
        raise
    with _lock:
        is_left = each.is_left = fetch.is_rejected and each.is_attended and not each.is_replayed
    if not is_left:
        _end(each, fetch.result())


def _wait_own(fetches: _Fetches, deadline: float) -> None:
    """Wait for these. One that met a 401 is fetched once more, with the token that replaced the rejected one."""
    for each, failed in fetches.completed(deadline=deadline):
        if failed:
            _end(each, replace(each.partial_result(), error=failed))
        ended = [each, *(other for other, _ in fetches.completed(deadline=monotonic()))]
        rejected = {left.pk: left.fetch.token for left in ended if left.is_left and left.fetch}
        _start_with_tokens(fetches, [left for left in ended if left.pk in rejected], deadline, rejected)


def _wait_others(others: Sequence[UUID], known: Mapping[UUID, CachedFleet], deadline: float) -> None:
    """Wait for the reloads of others: of another thread, or of another process, which holds the lease."""
    waiting = set(others)
    pause = _POLL
    while waiting and (left := deadline - monotonic()) > 0:
        here = running(waiting)
        if len(here) == len(waiting):
            wait([each.done for each in here.values()], timeout=left, return_when=FIRST_COMPLETED)
        else:
            sleep(min(left, pause))
            pause = min(pause * 1.5, 5 * _POLL)
        latest = fleet_cache.load(waiting)
        leases = shared().get_many([_lease_key(pk) for pk in waiting])
        waiting = {
            pk
            for pk in waiting
            if _tried_at(latest.get(pk)) == _tried_at(known.get(pk)) and (pk in here or _lease_key(pk) in leases)
        }


def _tried_at(cached: CachedFleet | None) -> datetime | None:
    return cached.tried_at if cached else None


def _detach(each: FleetRefresh) -> None:
    """Detach the page. Running calls go on; a reload that nobody else will end is ended."""
    with _lock:
        each.is_attended = False
        fetch, is_left = each.fetch, each.is_left
    if fetch is None:
        _give_up(each)
    elif is_left:
        _end(each, fetch.result())


def _end(each: FleetRefresh, result: FetchResult) -> None:
    """Store the result, once."""
    if not _is_first(each):
        return
    try:
        if result.allowance:
            rate_limit.note_allowance(
                each.pk,
                remaining=result.allowance.remaining,
                limit=result.allowance.limit,
                reset_at=result.allowance.reset_at,
            )
        rate_limit.note_limit(each.pk, result.error)
        if result.error:
            log.warning(
                "A team's droplets could not all be fetched: %s", result.error, extra={"connection": str(each.pk)}
            )
        merge.store_result(each.pk, result, old=each.old, generation=each.connection.generation, began_at=each.began_at)
    except Exception:
        log.exception("Storing a fetched fleet failed", extra={"connection": str(each.pk)})
    finally:
        _release(each)


def _give_up(each: FleetRefresh) -> None:
    """End it without a result."""
    if _is_first(each):
        _release(each)


def _is_first(each: FleetRefresh) -> bool:
    """Whether this is the first to end it: the page and the thread that fetches may both come here."""
    with _lock:
        was_over, each.is_over = each.is_over, True
    return not was_over


def _release(each: FleetRefresh) -> None:
    """Make room for the next reload: delete the lease, if it is still this one's, and the entry in this process."""
    key = _lease_key(each.pk)
    if shared().get(key) == each.lease:
        shared().delete(key)
    _running.pop(each.pk, None)
    each.done.set_result(None)


def _lease_key(pk: UUID) -> str:
    return f"fleet-reload:{pk}"
