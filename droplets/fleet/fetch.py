"""One team's droplets, read whole: all pages of both listings, as many at once as is decent, held against the totals.

Page 1 tells how many there are, and the worker that got it starts the rest. Where the totals are remembered from an
earlier reading all pages go out at once, and what has changed since is put right by what they tell.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future, InvalidStateError
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

from digitalocean_client import droplets as droplets_api
from digitalocean_client import errors, schema
from digitalocean_client.http import Allowance
from droplets.fleet.summary import DropletSummary

log = logging.getLogger(__name__)

CALLS_AT_ONCE = 6
"""Of one connection. DigitalOcean allows 250 calls a minute."""

MOST_PAGES = 250
"""Of one listing: a minute's allowance. A larger total is shown as what it is, a list that is not whole."""

_RESERVED_AT_ONCE = 25

_FOR_ALL = (errors.TokenRejected, errors.RateLimited)
"""What every further call with this token would end in as well."""


@dataclass(frozen=True)
class FetchResult:
    """What a walk came to. `error` is why something is missing, where a call told.

    `missing` counts droplets that DigitalOcean says are there and that did not come; `unreadable` those that came and
    made no sense. `ordinary` and `gpus` are what the two listings' totals say; None where not even one page came, so
    that nobody knows. `calls` is how many a whole reading of this size takes.
    """

    rows: tuple[DropletSummary, ...] = ()
    missing: int = 0
    unreadable: int = 0
    ordinary: int | None = None
    gpus: int | None = None
    calls: int = 2
    allowance: Allowance | None = None
    error: errors.DigitalOceanError | None = None
    request_id: str = ""

    @property
    def is_blank(self) -> bool:
        """Whether not one page came."""
        return self.ordinary is None and self.gpus is None

    @property
    def is_whole(self) -> bool:
        """Whether every droplet came; one that made no sense has still come."""
        return self.ordinary is not None and self.gpus is not None and not self.missing and not self.error


@dataclass
class _Listing:
    """One of the two listings while it is read. `planned` is the last page that was, or will be, asked for."""

    gpus: bool
    planned: int
    total: int | None = None
    rows: dict[int, DropletSummary] = field(default_factory=dict)
    unreadable: int = 0

    @property
    def missing(self) -> int:
        return max((self.total or 0) - len(self.rows) - self.unreadable, 0)


class PageFetch:
    """A walk through both listings of one team, with one token. `done` is set when nothing more will come of it.

    A 401 ends it at once: every other call would end the same way, and its token has to be looked at.
    """

    def __init__(
        self,
        token: str,
        *,
        pool: Executor,
        deadline: float,
        reserve: Callable[[int], datetime | None],
        remembered: tuple[int, int] = (0, 0),
    ) -> None:
        """`pool` runs the calls; `deadline`, of `time.monotonic`, is the end of all of them.

        `reserve` is asked before that many calls are made; it answers None, or when they may be made. `remembered` is
        how many ordinary and how many GPU droplets there were last time.
        """
        self.token = token
        self.done: Future[None] = Future()
        self._pool = pool
        self._until = deadline
        self._reserve = reserve
        self._reserved = 0
        self._lock = Lock()
        self._listings = tuple(
            _Listing(gpus, planned=min(max(_pages(total), 1), MOST_PAGES))
            for gpus, total in zip((False, True), remembered, strict=True)
        )
        calls = [(listing, page) for listing in self._listings for page in range(1, listing.planned + 1)]
        # The first pages first: they tell what else there is.
        self._waiting = deque(sorted(calls, key=lambda call: call[1] > 1))
        self._running = 0
        self._is_over = False
        self._allowance: Allowance | None = None
        self._error: errors.DigitalOceanError | None = None
        self._request_id = ""

    def start(self) -> None:
        with self._lock:
            self._go_on()
        self._tell()

    @property
    def is_rejected(self) -> bool:
        return isinstance(self._error, errors.TokenRejected)

    def listed(self) -> FetchResult:
        """What is there by now. While the walk goes on that is a part, said to be too slow."""
        with self._lock:
            rows: dict[int, DropletSummary] = {}
            for listing in self._listings:
                rows |= listing.rows
            ordinary, gpus = self._listings
            error = self._error
            if error is None and not self._is_over:
                error = errors.TooSlow("the page could not wait for all of it")
            return FetchResult(
                rows=tuple(rows.values()),
                missing=ordinary.missing + gpus.missing,
                unreadable=ordinary.unreadable + gpus.unreadable,
                ordinary=ordinary.total,
                gpus=gpus.total,
                calls=max(_pages(ordinary.total or 0), 1) + max(_pages(gpus.total or 0), 1),
                allowance=self._allowance,
                error=error,
                request_id=self._request_id,
            )

    # With the lock held

    def _go_on(self) -> None:
        while self._waiting and self._running < CALLS_AT_ONCE and self._may_call():
            listing, page = self._waiting.popleft()
            self._running += 1
            try:
                self._pool.submit(copy_context().run, self._call, listing, page)
            except RuntimeError as error:  # the interpreter is shutting down, or there is no memory for a thread
                self._running -= 1
                self._fail(errors.Unavailable(f"no worker ({error})"))
                self._waiting.clear()
        if not self._running:
            self._is_over = True

    def _may_call(self) -> bool:
        if isinstance(self._error, _FOR_ALL):
            self._waiting.clear()
            return False
        if not self._reserved:
            wanted = min(len(self._waiting), _RESERVED_AT_ONCE)
            later = self._reserve(wanted)
            if later:
                self._fail(errors.RateLimited("not asked, to stay under the limit", retry_at=later))
                self._waiting.clear()
                return False
            self._reserved = wanted
        self._reserved -= 1
        return True

    def _fail(self, error: errors.DigitalOceanError) -> None:
        """The first error is told, unless a later one explains it."""
        if self._error is None or (isinstance(error, _FOR_ALL) and not isinstance(self._error, _FOR_ALL)):
            self._error = error
            self._request_id = error.request_id or self._request_id

    def _take(self, listing: _Listing, number: int, page: schema.Page, rows: list[DropletSummary]) -> None:
        listing.rows.update((row.id, row) for row in rows)
        listing.unreadable += page.unreadable
        if page.unreadable and not self._request_id:
            self._request_id = page.request_id
        if page.allowance and (self._allowance is None or page.allowance.remaining < self._allowance.remaining):
            self._allowance = page.allowance
        # A list that changes while it is read tells several totals. The largest one makes no droplet disappear.
        listing.total = max(listing.total or 0, page.total)
        if not page.length:
            # Beyond the end, whatever the total says.
            self._waiting = deque(call for call in self._waiting if call[0] is not listing or call[1] < number)
            return
        last = _pages(page.total)
        if page.length >= droplets_api.PER_PAGE and page.total < number * droplets_api.PER_PAGE:
            last = number + 1  # more came than the total admits, so it tells nothing about the end either
        for further in range(listing.planned + 1, min(last, MOST_PAGES) + 1):
            listing.planned = further
            self._waiting.append((listing, further))

    # Without it

    def _tell(self) -> None:
        """Whoever waits for `done` may ask at once what has been listed, so the lock must be free."""
        if self._is_over:
            with suppress(InvalidStateError):  # two calls may end at the same moment
                self.done.set_result(None)

    # In a worker: HTTP and decoding, no database

    def _call(self, listing: _Listing, number: int) -> None:
        answer = self._ask(listing, number)
        with self._lock:
            self._running -= 1
            if self._is_over:
                return
            if isinstance(answer, errors.DigitalOceanError):
                self._fail(answer)
                self._is_over = isinstance(answer, errors.TokenRejected)
            else:
                self._take(listing, number, *answer)
            if not self._is_over:
                self._go_on()
        self._tell()

    def _ask(
        self, listing: _Listing, number: int
    ) -> tuple[schema.Page, list[DropletSummary]] | errors.DigitalOceanError:
        try:
            page = droplets_api.droplets_page(self.token, page=number, gpus=listing.gpus, deadline=self._until)
            return page, [DropletSummary.of(droplet) for droplet in page.droplets]
        except errors.DigitalOceanError as error:
            return error
        except Exception:
            # Nobody looks at a worker's exception, and the page must not wait for a walk that has died.
            log.exception("Reading a page of droplets failed")
            return errors.UnexpectedAnswer("an answer that Conveyor cannot work with")


def _pages(total: int) -> int:
    return -(-total // droplets_api.PER_PAGE)
