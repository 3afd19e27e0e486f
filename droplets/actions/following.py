"""Polls many actions of many connections side by side: for `follow_actions` and the workers.

HTTP runs in threads of `digitalocean_client.executor`, a limited number at once; the database stays on the caller's
thread, where leases are taken and answers stored in groups.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import zip_longest
from time import monotonic
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import Connection
from accounts.tokens import access_tokens
from digitalocean_client import errors, executor
from droplets.actions import polling, timing, transitions
from droplets.actions.polling import PollResult
from droplets.calls import rate_limit
from droplets.models import Action

AT_ONCE = 32
"""Polls under way at a time."""

_PER_TEAM = 4
"""... of one connection, so that one that hangs leaves room for the others."""

_SECONDS = 10.0
"""For one poll, and for the tokens of a group of connections. Shorter than `timing.POLL_LEASE`."""

_TOKENS_AT_ONCE = 500
"""Connections whose tokens are taken together, shortly before their actions are polled."""

_CLAIMED_FOR = 5.0
"""Seconds after which a lease is renewed before its poll begins."""

Answer = tuple[Action, errors.DigitalOceanError | None]
Group = tuple[Connection, Sequence[Action]]


def follow_all(
    groups: Sequence[Group], *, at_once: int = AT_ONCE, is_stopped: Callable[[], object] = bool
) -> Iterator[Answer]:
    """Poll these actions, each through its connection, `at_once` at a time, and store their states.

    Yields each row whose lease this caller got, and the error if DigitalOcean could not be asked; such a row is polled
    again later. After `at_once` polls in a row that got no answer the rest is not asked. Once `is_stopped` says so no
    poll is begun any more; those under way are stored.
    """
    run = _Run(at_once, is_stopped)
    for start in range(0, len(groups), _TOKENS_AT_ONCE):
        some = groups[start : start + _TOKENS_AT_ONCE]
        yield from run.poll(some, {})
        if again := run.take_rejected():
            rejected = {team.connection.pk: str(team.token) for team, _ in again}
            yield from run.poll([(team.connection, rows) for team, rows in again], rejected)


@dataclass(eq=False)
class _Team:
    """A connection with the token to poll through, or the error why there is none."""

    connection: Connection
    token: str | errors.DigitalOceanError
    is_renewed: bool
    under_way: int = 0
    is_slow: bool = False
    parked: deque[_Poll] = field(default_factory=deque)
    rejected: list[Action] = field(default_factory=list)


@dataclass(eq=False)
class _Poll:
    """A row whose lease is taken, until `claimed_at` (of `time.monotonic`) plus the lease."""

    team: _Team
    row: Action
    claimed_at: float
    is_begun: bool = False


class _Run:
    def __init__(self, at_once: int, is_stopped: Callable[[], object]) -> None:
        self._at_once, self._is_stopped = at_once, is_stopped
        self._polls: executor.Calls[_Poll, PollResult] = executor.Calls()
        self._claimed: deque[_Poll] = deque()
        self._ready: list[tuple[_Poll, PollResult | errors.DigitalOceanError]] = []
        self._unchanged: list[Action] = []
        self._teams: list[_Team] = []
        self._failures = 0

    def poll(self, groups: Sequence[Group], rejected: Mapping[UUID, str]) -> Iterator[Answer]:
        upcoming = self._in_turns(groups, rejected)
        while upcoming or self._claimed or self._polls:
            if self._is_stopped():
                upcoming.clear()
                self._claimed.clear()
            if self._failures >= self._at_once:
                yield from ((row, _no_answer()) for _, row in upcoming)
                upcoming.clear()
            if upcoming and not self._claimed:
                some = [upcoming.popleft() for _ in range(min(len(upcoming), self._at_once))]
                yield from self._claim(some, is_again=bool(rejected))
            self._start()
            yield from self._store()

    def take_rejected(self) -> list[tuple[_Team, list[Action]]]:
        """The actions whose token DigitalOcean rejected. Each is polled once more with a refreshed token."""
        found = [(team, team.rejected) for team in self._teams if team.rejected]
        self._teams = []
        return found

    def _in_turns(self, groups: Sequence[Group], rejected: Mapping[UUID, str]) -> deque[tuple[_Team, Action]]:
        """The first action of each connection, then the second of each, and so on."""
        rows = {connection.pk: rows for connection, rows in groups}
        tokens = access_tokens(
            [connection for connection, _ in groups],
            deadline=monotonic() + _SECONDS,
            rejected=rejected,
            at_once=self._at_once,
            is_stopped=self._is_stopped,
        )
        self._teams = [_Team(connection, token, bool(rejected)) for connection, token in tokens]
        columns = [[(team, row) for row in rows[team.connection.pk]] for team in self._teams]
        return deque(each for turn in zip_longest(*columns) for each in turn if each)

    def _claim(self, some: Sequence[tuple[_Team, Action]], *, is_again: bool) -> Iterator[Answer]:
        """Take the leases of these rows, and count the calls for them. Rows that were never sent end here."""
        ours = {row.pk for _, row in some} if is_again else take_leases([row for _, row in some])
        mine = [(team, row) for team, row in some if row.pk in ours]
        counts = Counter(team for team, row in mine if row.status != Action.Status.RECORDED)
        limited = {
            team: errors.RateLimited("not sent, to stay under the limit", retry_at=later)
            for team, calls in counts.items()
            if isinstance(team.token, str)
            and (later := rate_limit.reserve(team.connection.pk, calls, for_reading=True))
        }
        now = monotonic() - (_CLAIMED_FOR if is_again else 0)
        for team, row in mine:
            poll = _Poll(team, row, now)
            if row.status == Action.Status.RECORDED:
                transitions.mark_lost(row, transitions.NEVER_SENT)
                yield row, None
            elif team in limited:
                self._ready.append((poll, limited[team]))
            else:
                self._claimed.append(poll)

    def _start(self) -> None:
        while self._claimed and len(self._polls) < self._at_once:
            poll = self._claimed.popleft()
            team = poll.team
            if isinstance(team.token, errors.DigitalOceanError):
                self._ready.append((poll, team.token))
            elif team.is_slow or self._failures >= self._at_once:
                self._ready.append((poll, _no_answer()))
            elif team.under_way >= _PER_TEAM:
                team.parked.append(poll)
            elif monotonic() < poll.claimed_at + _CLAIMED_FOR or _renew(poll.row):
                team.under_way += 1
                poll.is_begun = True
                self._polls.start(poll, polling.ask, poll.row, team.token, monotonic() + _SECONDS)

    def _store(self) -> Iterator[Answer]:
        """Wait for an answer, and store it together with all others that are there."""
        ready, self._ready = self._ready, []
        if not ready:
            ready = [next(self._polls.completed())] if self._polls else []
        ready += self._polls.completed(deadline=monotonic()) if self._polls else ()
        with transaction.atomic():
            answers = [found for poll, answer in ready if (found := self._store_one(poll, answer))]
            self._store_unchanged()
        yield from answers

    def _store_unchanged(self) -> None:
        """Put off together what is under way as before, by the pauses of their ages, in whole seconds."""
        now = timezone.now()
        waits: dict[int, list[UUID]] = {}
        for row in self._unchanged:
            waits.setdefault(int(timing.pause(row.sent_at, now).total_seconds()), []).append(row.pk)
        for seconds, pks in waits.items():
            rows = Action.objects.filter(pk__in=pks, status=Action.Status.IN_PROGRESS)
            rows.update(ask_at=now + timedelta(seconds=seconds))
        self._unchanged = []

    def _store_one(self, poll: _Poll, answer: PollResult | errors.DigitalOceanError) -> Answer | None:
        team, row = poll.team, poll.row
        if poll.is_begun:
            team.under_way -= 1
            self._failures = self._failures + 1 if isinstance(answer, errors.Unavailable) else 0
        if team.parked:
            self._claimed.append(team.parked.popleft())
        team.is_slow = team.is_slow or isinstance(answer, errors.TooSlow)
        rate_limit.note_limit(team.connection.pk, answer)
        if isinstance(answer, errors.TokenRejected) and not team.is_renewed:
            team.rejected.append(row)
            return None
        if isinstance(answer, PollResult) and polling.is_unchanged(row, answer):
            self._unchanged.append(row)
            return row, None
        return row, polling.store(row, answer, is_own=row.user == team.connection.user)


def take_leases(rows: Sequence[Action]) -> set[UUID]:
    """Take the leases of these rows together. Returns the keys of those that no other process was faster with."""
    now = timezone.now()
    # The end of the lease says whose it is: random, so that two processes do not choose the same microsecond.
    ends = now + timing.POLL_LEASE + timedelta(microseconds=random.randrange(1_000_000))  # noqa: S311  # no secret
    pks = [row.pk for row in rows]
    Action.objects.filter(polling.is_due(now), pk__in=pks, status__in=Action.IN_FLIGHT).update(ask_at=ends)
    found = dict(Action.objects.filter(pk__in=pks, ask_at=ends).values_list("pk", "status"))
    for row in rows:
        row.ask_at = ends
    return {row.pk for row in rows if found.get(row.pk) == row.status}


def _renew(row: Action) -> bool:
    ends = timezone.now() + timing.POLL_LEASE
    return bool(Action.objects.filter(pk=row.pk, status=row.status, ask_at=row.ask_at).update(ask_at=ends))


def _no_answer() -> errors.DigitalOceanError:
    return errors.Unavailable("not asked, because polls before it got no answer")
