"""docs/load.md: what was done, what was found, and how it is counted."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tests.bench.report import aligned, machine, table
from tests.bench.results import Result, seconds
from tests.load import verdicts
from tests.load.observed import Visit, between, percentile
from tests.support.programs import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.load.run import Run

DOCUMENT = PROJECT / "docs" / "load.md"
LEAST_MINUTES = 10
"""A shorter run tries things out, and writes nothing."""

BEGINNING = """\
# Load

`make load` runs Conveyor as it runs on several hosts, under load, while its parts are killed one after another. It
writes this file. If a bound is missed, the run fails. `make load MINUTES=2 PEOPLE=50` is a short run, which writes
nothing.
"""

HOW = """\
## What runs

gunicorn with two web processes, two workers with two children each, a scheduler, a PostgreSQL and a Redis of the run's
own, and the sandbox as DigitalOcean. All on one machine, with the people. Access tokens live 20 seconds.

Each person is signed in with a browser of their own and does something every 20 seconds on average: looks at the fleet,
searches it, keeps it open, looks at a droplet, its activity or its graphs (of up to a day: the sandbox computes longer
ones for seconds, in the thread that answers everybody), at the time line, at jobs, or downloads the fleet. Teams are
shared by four or five people. Every fourth person lets Conveyor act, reboots droplets (each form is sent twice at once,
as a double click does) and starts jobs.

First comes the quiet part, without disturbances. Then come the disturbances, one after another. Each has a slot: it
lasts a quarter of it (a kill: a moment), then things may settle until three fifths of it, then there is calm.

- DigitalOcean answers 503: to every call of the API and to every refresh.
- DigitalOcean does not answer: neither calls nor refreshes. Actions take effect, but their answers are lost.
- DigitalOcean's rate limit: 429, with five seconds to wait.
- Redis killed, and started again empty.
- PostgreSQL restarted: connections are cut.
- Web process killed: one of the two, with SIGKILL. gunicorn starts another.
- Worker killed: one of the two and its children, with SIGKILL. Another is started.

## How it is counted

- **Restarts** are the time from killing a web process or stopping PostgreSQL until five seconds after it is back. Every
  other answer 5xx counts, except 502, by which Conveyor says that DigitalOcean cannot be read. That one counts in calm.
- **Connections lost** are those that need their owner to reconnect. A new pair is in the memory of one process from
  DigitalOcean's answer until it is in a file, some milliseconds later. A process that is killed just then takes it
  along, which nothing can prevent; such a connection has a line of its own.
- **Refreshes** are those that the sandbox has granted. It lists every pair with the moment it was issued. A pair's
  expiry mattered if it was replaced when it was due: pages refresh in the last tenth of its life, the schedule in its
  second half. Every refresh must have such an expiry, every new pair must be in Conveyor's database, and the sandbox
  must have refused no refresh token as used.
- **Actions sent twice**: requests beyond the rows that were sent, and effects on a droplet beyond its rows.
- **Memory** is the resident size of each process, from a minute after its start to its end.
- **Pages in calm** are those that were sent and answered between the end of settling and the next disturbance.
"""


def pages(run: Run) -> str:
    """A table of what was asked for, how often, and how long it took."""
    quiet, calm = between(run.observed.visits, *run.quiet), verdicts.calm(run)
    kinds = Counter(visit.what for visit in run.observed.visits)
    rows = [("Page", "Requests", "Quiet: median", "95 %", "Calm: median", "95 %", "Whole run: 95 %", "slowest")]
    for what, count in [*kinds.most_common(), ("all", len(run.observed.visits))]:
        rows.append((what, f"{count:,}", *_times(quiet, what), *_times(calm, what), *_worst(run, what)))
    return aligned(rows)


def _times(visits: list[Visit], what: str) -> tuple[str, str]:
    found = [v.seconds for v in visits if v.status and what in (v.what, "all")]
    return (seconds(percentile(found, 50)), seconds(percentile(found, 95))) if found else ("", "")


def _worst(run: Run, what: str) -> tuple[str, str]:
    found = [v.seconds for v in run.observed.visits if what in (v.what, "all")]
    return seconds(percentile(found, 95)), seconds(max(found))


def disturbances(run: Run) -> str:
    """A table of what was done to Conveyor, and what pages answered until the calm after it."""
    rows = [("At", "Disturbance", "Pages", "Answers 500 or 503", "Answers 502", "No answer", "Slowest")]
    for window in run.windows:
        found = [v for v in run.observed.visits if window.begins_at <= v.at < window.calm_at]
        statuses = Counter(v.status for v in found)
        rows.append(
            (
                f"{window.begins_at - run.began_at:.0f} s",
                window.kind.name,
                f"{len(found):,}",
                str(statuses[500] + statuses[503]),
                str(statuses[502]),
                str(statuses[0]),
                seconds(max((v.seconds for v in found), default=0.0)),
            )
        )
    return aligned(rows)


def write(run: Run, results: list[Result]) -> Path:
    """Write docs/load.md. Returns its path, relative to the project."""
    parts = [
        BEGINNING,
        f"{run.people} people with {run.connections} connections, {(run.disturbed_at - run.began_at) / 60:.1f} quiet "
        f"minutes and {run.minutes:g} with disturbances; {len(run.observed.visits):,} requests, "
        f"{len(run.observed.visits) / (run.ended_at - run.began_at):.1f} per second.",
        table(results),
        machine("make load", run.load),
        "## Pages",
        pages(run),
        "## Disturbances",
        disturbances(run),
        HOW,
    ]
    DOCUMENT.write_text("\n\n".join(part.strip() for part in parts) + "\n", encoding="utf-8")
    return DOCUMENT.relative_to(PROJECT)
