"""All droplets of one team: every page of both listings, a few pages at a time, compared with the totals.

Page 1 tells how many droplets there are; then the other pages are requested. Where the totals of an earlier fetch are
known, all pages are requested at once, and the totals that they carry correct the plan.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from digitalocean_client import api, errors, executor
from digitalocean_client import droplets as droplets_api
from digitalocean_client.answers import Allowance
from digitalocean_client.lists import ListPage
from digitalocean_client.schema import ListedDroplet
from droplets.fleet.summary import DropletSummary

CALLS_AT_ONCE = 6
"""Of one connection. DigitalOcean allows 250 calls a minute."""

MOST_PAGES = 250
"""Of one listing: as many calls as DigitalOcean allows in a minute. A longer list is shown as incomplete."""

_RESERVED_AT_ONCE = 25

_FOR_ALL = (errors.TokenRejected, errors.RateLimited)
"""Errors that every further call with this token would end with as well."""


@dataclass(frozen=True)
class FetchResult:
    """The droplets that came, and what is known of the others. `error` is why droplets are missing.

    `missing` counts droplets that are in DigitalOcean's total and did not come; `unreadable` those that came and could
    not be decoded. `ordinary` and `gpus` are the totals of the two listings, None where not one page of it came.
    `calls` is how many calls a complete fetch of this size takes.
    """

    droplets: tuple[DropletSummary, ...] = ()
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
        """Whether every droplet came; one that could not be decoded did come."""
        return self.ordinary is not None and self.gpus is not None and not self.missing and not self.error


@dataclass
class _Listing:
    """One of the two listings while it is fetched. `planned` is the last page that was or will be requested."""

    gpus: bool
    planned: int
    total: int | None = None
    droplets: dict[int, DropletSummary] = field(default_factory=dict)
    unreadable: int = 0

    @property
    def missing(self) -> int:
        return max((self.total or 0) - len(self.droplets) - self.unreadable, 0)


_PageCall = tuple[_Listing, int]
_PageAnswer = tuple[ListPage[ListedDroplet], list[DropletSummary]]


class PageFetch:
    """Fetches all pages of both listings of one team, with one token."""

    def __init__(
        self,
        token: str,
        *,
        deadline: float,
        reserve: Callable[[int], datetime | None],
        remembered: tuple[int, int] = (0, 0),
    ) -> None:
        """`deadline`, of `time.monotonic`, is the end of all calls.

        `reserve` is called with a number of calls before they are made. It returns None where they may be made now,
        else when they may be. `remembered` is how many ordinary and how many GPU droplets there were last time.
        """
        self.token = token
        self._deadline = deadline
        self._reserve = reserve
        self._reserved = 0
        self._listings = tuple(
            _Listing(gpus, planned=min(max(_pages(total), 1), MOST_PAGES))
            for gpus, total in zip((False, True), remembered, strict=True)
        )
        calls = [(listing, page) for listing in self._listings for page in range(1, listing.planned + 1)]
        # The first pages first: they tell what else there is.
        self._waiting: deque[_PageCall] = deque(sorted(calls, key=lambda call: call[1] > 1))
        self._running: executor.Calls[_PageCall, _PageAnswer] = executor.Calls()
        self._is_over = False
        self._allowance: Allowance | None = None
        self._error: errors.DigitalOceanError | None = None
        self._request_id = ""

    def run(self) -> None:
        """Fetch until nothing more will come. A 401 ends it at once: every other call would end the same way."""
        self._start_calls()
        for (listing, number), answer in self._running.completed(deadline=self._deadline):
            if isinstance(answer, errors.DigitalOceanError):
                self._fail(answer)
            else:
                self._take(listing, number, *answer)
            if self.is_rejected:
                break
            self._start_calls()
        self._is_over = self.is_rejected or not self._running

    @property
    def is_rejected(self) -> bool:
        return isinstance(self._error, errors.TokenRejected)

    def result(self) -> FetchResult:
        """What came so far; before the end its error is `TooSlow`. Any thread may ask while another one fetches."""
        droplets: dict[int, DropletSummary] = {}
        for listing in self._listings:
            droplets |= listing.droplets  # one step for the interpreter, so no page can be added meanwhile
        ordinary, gpus = self._listings
        error = self._error
        if error is None and not self._is_over:
            error = errors.TooSlow("the page could not wait for all of it")
        return FetchResult(
            droplets=tuple(droplets.values()),
            missing=ordinary.missing + gpus.missing,
            unreadable=ordinary.unreadable + gpus.unreadable,
            ordinary=ordinary.total,
            gpus=gpus.total,
            calls=max(_pages(ordinary.total or 0), 1) + max(_pages(gpus.total or 0), 1),
            allowance=self._allowance,
            error=error,
            request_id=self._request_id,
        )

    def _start_calls(self) -> None:
        while self._waiting and len(self._running) < CALLS_AT_ONCE and self._may_call():
            call = self._waiting.popleft()
            self._running.start(call, self._fetch_page, *call)

    def _may_call(self) -> bool:
        if isinstance(self._error, _FOR_ALL):
            self._waiting.clear()
            return False
        if not self._reserved:
            wanted = min(len(self._waiting), _RESERVED_AT_ONCE)
            later = self._reserve(wanted)
            if later:
                self._fail(errors.RateLimited("not sent, to stay under the limit", retry_at=later))
                self._waiting.clear()
                return False
            self._reserved = wanted
        self._reserved -= 1
        return True

    def _fail(self, error: errors.DigitalOceanError) -> None:
        """Keep the first error, unless a later one explains it."""
        if self._error is None or (isinstance(error, _FOR_ALL) and not isinstance(self._error, _FOR_ALL)):
            self._error = error
            self._request_id = error.request_id or self._request_id

    def _take(self, listing: _Listing, number: int, page: ListPage[ListedDroplet], found: list[DropletSummary]) -> None:
        """Add a page to what came, and plan the pages that it shows to be there."""
        # The total changes where the list changes meanwhile. With the largest one no droplet goes missing unnoticed.
        listing.total = max(listing.total or 0, page.total)
        listing.droplets.update({droplet.id: droplet for droplet in found})
        listing.unreadable += page.unreadable
        if page.unreadable and not self._request_id:
            self._request_id = page.request_id
        if page.allowance and (self._allowance is None or page.allowance.remaining < self._allowance.remaining):
            self._allowance = page.allowance
        if not page.length:
            # Beyond the end, whatever the total says.
            self._waiting = deque(call for call in self._waiting if call[0] is not listing or call[1] < number)
            return
        last = _pages(page.total)
        if page.length >= api.PER_PAGE and page.total < number * api.PER_PAGE:
            last = number + 1  # more droplets came than the total says, so the end is not known either
        for further in range(listing.planned + 1, min(last, MOST_PAGES) + 1):
            listing.planned = further
            self._waiting.append((listing, further))

    def _fetch_page(self, listing: _Listing, number: int) -> _PageAnswer:
        """In a thread: HTTP and decoding, no database."""
        page = droplets_api.droplets_page(self.token, page=number, gpus=listing.gpus, deadline=self._deadline)
        return page, [DropletSummary.from_droplet(droplet) for droplet in page.items]


def _pages(total: int) -> int:
    return -(-total // api.PER_PAGE)
