"""One team's droplets, read whole: all pages of both listings, as many at once as is decent, held against the totals.

Page 1 tells how many there are; the worker that got it starts the rest, so nothing waits for the thread that asked.
"""

from __future__ import annotations

import logging
from collections import deque
from concurrent.futures import Executor, Future
from contextvars import copy_context
from dataclasses import dataclass, field
from threading import Lock

from accounts.digitalocean import errors
from droplets import api, schema
from droplets.rows import Row

log = logging.getLogger(__name__)

CALLS_AT_ONCE = 6
"""Of one connection. DigitalOcean allows 250 calls a minute."""

MOST_PAGES = 250
"""Of one listing: a minute's allowance. A larger total is shown as what it is, a list that is not whole."""

_FOR_ALL = (errors.TokenRejected, errors.RateLimited)
"""What every further call with this token would end in as well."""


@dataclass(frozen=True)
class Listed:
    """What a reading came to. `error` is why something is missing, where a call told.

    `missing` counts droplets that DigitalOcean says are there and that did not come; `unreadable` those that came and
    made no sense. Where not even page 1 came, nobody knows how many there are: `has_ordinary` and `has_gpus` tell.
    """

    rows: tuple[Row, ...] = ()
    missing: int = 0
    unreadable: int = 0
    has_ordinary: bool = False
    has_gpus: bool = False
    error: errors.DigitalOceanError | None = None
    request_id: str = ""

    @property
    def total(self) -> int:
        """How many droplets the team has, as far as is known."""
        return len(self.rows) + self.missing + self.unreadable

    @property
    def is_complete(self) -> bool:
        """Whether nothing is missing; a row that made no sense has still been counted."""
        return self.has_ordinary and self.has_gpus and not self.missing and not self.error


@dataclass
class _Listing:
    """One of the two listings while it is read. `planned` is the last page that was, or will be, asked for."""

    gpus: bool
    total: int | None = None
    planned: int = 1
    rows: dict[int, Row] = field(default_factory=dict)
    unreadable: int = 0

    @property
    def missing(self) -> int:
        return max((self.total or 0) - len(self.rows) - self.unreadable, 0)


class Reading:
    """The reading of one team's droplets with one token. `done` is set when nothing more will come of it.

    A 401 ends it at once: every other call would end the same way, and its token has to be looked at.
    """

    def __init__(self, token: str, *, pool: Executor, until: float) -> None:
        """`pool` runs the calls; `until`, of `time.monotonic`, is the end of all of them."""
        self.token = token
        self.done: Future[None] = Future()
        self._pool = pool
        self._until = until
        self._lock = Lock()
        self._listings = (_Listing(gpus=False), _Listing(gpus=True))
        self._waiting = deque((listing, 1) for listing in self._listings)
        self._running = 0
        self._error: errors.DigitalOceanError | None = None
        self._request_id = ""

    def start(self) -> None:
        with self._lock:
            self._go_on()

    @property
    def is_rejected(self) -> bool:
        return isinstance(self._error, errors.TokenRejected)

    def end(self) -> Listed:
        """What is there by now. Nothing is asked for after this."""
        with self._lock:
            if not self.done.done():
                self._fail(errors.TooSlow("the page could not wait for all of it"))
                self._finish()
            rows: dict[int, Row] = {}
            for listing in self._listings:
                rows |= listing.rows
            ordinary, gpus = self._listings
            return Listed(
                rows=tuple(rows.values()),
                missing=ordinary.missing + gpus.missing,
                unreadable=ordinary.unreadable + gpus.unreadable,
                has_ordinary=ordinary.total is not None,
                has_gpus=gpus.total is not None,
                error=self._error,
                request_id=self._request_id,
            )

    # With the lock held

    def _go_on(self) -> None:
        if isinstance(self._error, _FOR_ALL):
            self._waiting.clear()
        while self._waiting and self._running < CALLS_AT_ONCE:
            listing, page = self._waiting.popleft()
            self._running += 1
            self._pool.submit(copy_context().run, self._call, listing, page)
        if not self._running:
            self._finish()

    def _finish(self) -> None:
        self._waiting.clear()
        if not self.done.done():
            self.done.set_result(None)

    def _fail(self, error: errors.DigitalOceanError) -> None:
        """The first error is told, unless a later one explains it."""
        if self._error is None or (isinstance(error, _FOR_ALL) and not isinstance(self._error, _FOR_ALL)):
            self._error = error
            self._request_id = error.request_id or self._request_id

    def _take(self, listing: _Listing, number: int, page: schema.Page, rows: list[Row]) -> None:
        listing.rows.update((row.id, row) for row in rows)
        listing.unreadable += page.unreadable
        if page.unreadable and not self._request_id:
            self._request_id = page.request_id
        # A list that changes while it is read tells several totals. The largest one makes no droplet disappear.
        listing.total = max(listing.total or 0, page.total)
        if not page.length:
            # Beyond the end, whatever the total says.
            self._waiting = deque(call for call in self._waiting if call[0] is not listing or call[1] < number)
            return
        last = -(-page.total // api.PER_PAGE)
        if page.length >= api.PER_PAGE and page.total < number * api.PER_PAGE:
            last = number + 1  # more came than the total admits, so it tells nothing about the end either
        for further in range(listing.planned + 1, min(last, MOST_PAGES) + 1):
            listing.planned = further
            self._waiting.append((listing, further))

    # In a worker: HTTP and decoding, no database

    def _call(self, listing: _Listing, number: int) -> None:
        answer = self._ask(listing, number)
        with self._lock:
            self._running -= 1
            if self.done.done():
                return
            if isinstance(answer, errors.DigitalOceanError):
                self._fail(answer)
                if isinstance(answer, errors.TokenRejected):
                    self._finish()
                    return
            else:
                self._take(listing, number, *answer)
            self._go_on()

    def _ask(self, listing: _Listing, number: int) -> tuple[schema.Page, list[Row]] | errors.DigitalOceanError:
        try:
            page = api.droplets_page(self.token, page=number, gpus=listing.gpus, until=self._until)
            return page, [Row.of(droplet) for droplet in page.droplets]
        except errors.DigitalOceanError as error:
            return error
        except Exception:
            # Nobody looks at a worker's exception, and the page must not wait for a reading that has died.
            log.exception("Reading a page of droplets failed")
            return errors.UnexpectedAnswer("an answer that Conveyor cannot work with")
