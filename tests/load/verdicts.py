"""What a run is held against: each bound, what was found, and where a figure comes from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from accounts.models import Connection
from droplets.models import Action
from tests.bench.results import Result, seconds
from tests.load.disturbances import Window
from tests.load.host import CONCURRENCY, THREADS, WEB_PROCESSES, WORKERS, Host
from tests.load.observed import Visit, between, middle, percentile
from tests.support.sandbox import Sandbox
from tests.support.sandbox_rows import Pair

if TYPE_CHECKING:
    from tests.load.run import Run

ACTS = "POST /v2/droplets/{droplet_id}/actions"
REFRESHES = "POST /v1/oauth/token refresh_token"

WARM = 60.0
"""Seconds that a process has to reach its size."""

P95_RATIO, GROWTH = 1.3, 0.05

DATABASE_CONNECTIONS = WEB_PROCESSES * (THREADS + 2) + WORKERS * (CONCURRENCY + 1) * 2 + 1
"""One for each thread that serves pages or does tasks, one for a thread in the background of each, and the scheduler's.
"""


def generations() -> dict[str, int]:
    return {str(pk): generation for pk, generation in Connection.objects.values_list("pk", "generation")}


def of(run: Run, sandbox: Sandbox, host: Host) -> list[Result]:
    """Every bound of the run."""
    died = _died(run, sandbox)
    lost = _lost(run, died, sandbox.counters().in_flight_max.get(REFRESHES, 0))
    return [
        _failures(run),
        _broken(run),
        _unexpected(run),
        _ill_outside(run),
        *lost,
        *_refreshes(run, sandbox, int(lost[1].found)),
        *_actions(sandbox),
        _growth(run),
        _database(run),
        _speed(run),
    ]


def _none(what: str, found: list[str] | int, basis: str = "") -> Result:
    """A bound of zero. The first of what was found is shown."""
    count = found if isinstance(found, int) else len(found)
    shown = "" if isinstance(found, int) else "; ".join(f"{text} ({n})" for text, n in Counter(found).most_common(4))
    return Result(what, "0", str(count), met=count == 0, basis=shown or basis)


def _in_restart(run: Run, visit: Visit) -> bool:
    """Whether a page was under way while PostgreSQL or a web process was away, or shortly after."""
    return _within(visit, run.windows, lambda window: window.restart_ends_at if window.kind.is_restart else None)


def _within(visit: Visit, windows: Iterable[Window], until: object) -> bool:
    for window in windows:
        ends_at = until(window)  # type: ignore[operator]  # a function of a window
        if ends_at is not None and visit.at <= ends_at and visit.at + visit.seconds >= window.begins_at:
            return True
    return False


def _failures(run: Run) -> Result:
    failed = [v for v in run.observed.visits if v.status in (500, 501, 503, 504) or v.status > 504]
    outside = [v for v in failed if not _in_restart(run, v)]
    inside = f"{len(failed) - len(outside)} within restarts, of {len(run.observed.visits):,} requests"
    return _none("Answers 5xx of Conveyor's own, outside restarts", [f"{v.what} {v.status}" for v in outside], inside)


def _broken(run: Run) -> Result:
    broken = [v for v in run.observed.visits if v.status == 0]
    outside = [v for v in broken if not _in_restart(run, v)]
    return _none(
        "Requests without an answer, outside restarts",
        [f"{v.what} {v.note}" for v in outside],
        f"{len(broken) - len(outside)} within restarts",
    )


def _unexpected(run: Run) -> Result:
    """What none of these pages answers: a log-in, a page that is not found, a refused form."""
    odd = [
        v
        for v in run.observed.visits
        if (v.status not in (0, 200, 204, 302, 409, 422) and v.status < 500) or "/accounts/" in v.note
    ]
    return _none("Other answers that nobody expects", [f"{v.what} {v.status} {v.note}".strip() for v in odd])


def _ill_outside(run: Run) -> Result:
    """502 is Conveyor's page for a DigitalOcean that cannot be read. In calm there is no reason for one."""
    told = [v for v in run.observed.visits if v.status == 502]
    outside = [v for v in told if not _within(v, run.windows, lambda window: window.calm_at)]
    return _none(
        "Pages that DigitalOcean cannot be read, in calm",
        [f"{v.what} {v.note}".strip() for v in outside],
        f"{len(told) - len(outside)} during disturbances and before the calm after them",
    )


def _lost(run: Run, died: set[str], at_once: int) -> list[Result]:
    """`died` are the teams whose new pair died with a killed process, each with its user: `_died`.

    `at_once` is how many refreshes were under way at the same time, at most: no kill can take more.
    """
    lost = list(Connection.objects.filter(state=Connection.State.NEEDS_RECONNECT))
    others = [row.last_error for row in lost if f"{row.user_uuid} {row.team_uuid}" not in died]
    kills = sum(window.kind.is_kill for window in run.windows)
    return [
        _none("Connections lost", others, f"of {run.connections}"),
        Result(
            "… because DigitalOcean's answer died with a killed process",
            f"≤ {kills * at_once}",
            str(len(lost) - len(others)),
            met=len(lost) - len(others) <= kills * at_once,
            basis=f"{kills} kills, at most {at_once} refreshes at once",
        ),
    ]


def _died(run: Run, sandbox: Sandbox) -> set[str]:
    """The users and teams of grants whose latest pair was issued at the moment of a kill.

    Between DigitalOcean's new pair and the file that Conveyor writes it to, the pair is in the memory of one process.
    """
    issued = {pair.grant: pair.created_at for pair in sandbox.pairs()}
    kills = [window.begins_at for window in run.windows if window.kind.is_kill]
    return {
        f"{grant.user_uuid} {grant.team_uuid}"
        for grant in sandbox.ledger()
        if any(at - 0.5 <= issued[grant.grant] <= at + 1.5 for at in kills)
    }


def _refreshes(run: Run, sandbox: Sandbox, died: int) -> list[Result]:
    """Refreshes against expiries. A pair that is replaced before half of its life is over was refreshed for nothing.

    `died` is how many connections were lost with a killed process: their last pair was never stored, and their old
    refresh token is tried once more.
    """
    counters = sandbox.counters()
    count = sum(counters.refreshes.values())
    early = [pair for pair, after in _replaced(sandbox.pairs(), run.began_at) if _age(pair, after) < _life(pair) / 2]
    stored = sum(generations()[pk] - before for pk, before in run.generations.items())
    refused = -died + sum(counters.by_status.get(f"{REFRESHES} {status}", 0) for status in (400, 401))
    return [
        Result(
            "Refreshes, vs. expiries that mattered",
            "equal",
            f"{count:,}, {count - len(early):,}",
            met=not early and count > 0,
            basis=f"{count / (run.ended_at - run.began_at):.1f} per second",
        ),
        Result("… vs. pairs stored", "equal", f"{count:,}, {stored:,}", met=count == stored + died),
        _none("… refused, because a refresh token was used twice", max(0, refused)),
        Result(
            "… of one connection at the same time",
            "1",
            str(max(counters.refreshes_at_once_max.values(), default=0)),
            met=max(counters.refreshes_at_once_max.values(), default=0) <= 1,
        ),
    ]


def _replaced(pairs: Iterable[Pair], since: float) -> list[tuple[Pair, Pair]]:
    """Each pair that was refreshed during the run, with the one that came after it."""
    latest: dict[int, Pair] = {}
    found = []
    for pair in pairs:
        before = latest.get(pair.grant)
        if before and pair.created_at >= since:
            found.append((before, pair))
        latest[pair.grant] = pair
    return found


def _age(pair: Pair, after: Pair) -> float:
    return after.created_at - pair.created_at


def _life(pair: Pair) -> float:
    return pair.access_expires_at - pair.created_at


def _actions(sandbox: Sandbox) -> list[Result]:
    """Every action is a row before it is a request: more requests than rows were repetitions. A 401 did nothing."""
    counters = sandbox.counters()
    requests = counters.by_endpoint.get(ACTS, 0) - counters.by_status.get(f"{ACTS} 401", 0)
    rows = Action.objects.exclude(sent_at=None)
    effects = Counter(action.droplet_id for action in sandbox.actions())
    sent = Counter(rows.values_list("droplet_id", flat=True))
    twice = max(0, requests - rows.count()) + sum(max(0, count - sent[droplet]) for droplet, count in effects.items())
    of_jobs = rows.exclude(step=None).count()
    basis = f"{rows.count():,} sent ({of_jobs:,} by jobs), {requests:,} requests, {sum(effects.values()):,} took effect"
    return [
        _none("Actions sent twice", twice, basis),
        Result("Actions sent at all", "≥ 1", str(rows.count()), met=rows.count() > 0),
    ]


def _growth(run: Run) -> Result:
    """Each process against itself: its size a minute after its start, or after the start of the run, and its last."""
    what = "Memory after the first minute: largest growth of a process"
    sizes: dict[int, list[tuple[float, int]]] = {}
    roles = {}
    for sample in run.observed.memory:
        if sample.size:
            sizes.setdefault(sample.pid, []).append((sample.at, sample.size))
            roles[sample.pid] = sample.role
    growths: dict[int, float] = {}
    for pid, samples in sizes.items():
        warm = [size for at, size in samples if at >= samples[0][0] + WARM]
        if len(warm) >= 10:
            growths[pid] = middle(warm[-5:]) / middle(warm[:5]) - 1
    if not growths:
        return Result(what, f"< {GROWTH:.0%}", "no process lived long enough")
    worst = max(growths, key=lambda pid: growths[pid])
    shown = ", ".join(
        f"{role} {max(growths[pid] for pid in growths if roles[pid] == role):+.1%}"
        for role in dict.fromkeys(roles[pid] for pid in growths)
    )
    size = sizes[worst][-1][1] / 2**20
    return Result(
        what,
        f"< {GROWTH:.0%}",
        f"{growths[worst]:+.1%}",
        met=growths[worst] < GROWTH,
        basis=f"{shown}; the largest growth ends at {size:.0f} MB",
    )


def _database(run: Run) -> Result:
    most = max(run.observed.database, default=0)
    return Result(
        "Connections to the database, at most",
        f"≤ {DATABASE_CONNECTIONS}",
        str(most),
        met=0 < most <= DATABASE_CONNECTIONS,
        basis=f"median {middle(run.observed.database):.0f}, {len(run.observed.database)} samples",
    )


def calm(run: Run) -> list[Visit]:
    """The requests that were sent and answered in the calm between disturbances."""
    found = []
    for at, window in enumerate(run.windows):
        ends_at = run.windows[at + 1].begins_at if at + 1 < len(run.windows) else run.ended_at
        found += between(run.observed.visits, window.calm_at, ends_at)
    return found


def _speed(run: Run) -> Result:
    what, bound = "95 % of the pages in calm take at most, vs. the quiet part", f"≤ {P95_RATIO} ×"
    quiet = [v.seconds for v in between(run.observed.visits, *run.quiet)]
    now = [v.seconds for v in calm(run)]
    if len(quiet) < 100 or len(now) < 100:
        return Result(what, bound, "fewer than 100 pages in one of them")
    ratio = percentile(now, 95) / percentile(quiet, 95)
    times = [f"{seconds(percentile(found, 95))} of {len(found):,} pages" for found in (now, quiet)]
    return Result(what, bound, f"{ratio:.2f} ×", met=ratio <= P95_RATIO, basis=" vs ".join(times))
