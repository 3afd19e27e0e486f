"""`python -m tests.bench.capacity`: what one process and one row carry on this machine, for docs/scale.md.

It has no bounds, because the figures depend on the machine. A web process serves people over loopback. A worker's tasks
run in this process, one message after another, as one process of `celery worker` does them; DigitalOcean takes 100 ms
for a call. The bytes are those of the SQLite file, after a VACUUM.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from tests.bench.environment import SANDBOX, set_up
from tests.support.sandbox import Sandbox

if TYPE_CHECKING:
    from accounts.models import Connection
    from tests.bench.stage import Stage

CONNECTIONS, DROPLETS, PER_MESSAGE = 200, 20, 20
ROWS = 20_000
SECONDS, BROWSERS = 5.0, 4

Line = tuple[str, str]


def pages(stage: Stage) -> list[Line]:
    """Pages of one web process, for four people without a pause between two pages."""
    from tests.bench.browser import Browser

    found = []
    small, large = stage.visitor(*stage.others[:3]), stage.visitor(*stage.three)
    with ExitStack() as stack:
        port = stack.enter_context(stage.server())
        pool = stack.enter_context(ThreadPoolExecutor(BROWSERS))
        for what, visitor, path in (
            ("fleet of 60 droplets", small, "/droplets/"),
            ("fleet of 3,000 droplets", large, "/droplets/"),
            ("health check", small, "/healthz"),
        ):
            browsers = [stack.enter_context(Browser(port, visitor.session)) for _ in range(BROWSERS)]
            browsers[0].get()
            browsers[0].follow_up()
            start = perf_counter()

            def browse(browser: Browser, path: str = path, start: float = start) -> int:
                made = 0
                while perf_counter() < start + SECONDS:
                    browser.get(path)
                    made += 1
                return made

            made = sum(pool.map(browse, browsers))
            found.append((f"one web process, {what}", f"{made / (perf_counter() - start):.0f} a second"))
    return found


def work(stage: Stage, connections: list[Connection], size: Callable[[], int]) -> list[Line]:
    """What one process of a worker does in a second, and what a connection takes in the database."""
    from allauth.socialaccount.models import SocialToken
    from django.utils import timezone

    from accounts import tasks as accounts_tasks
    from droplets.models import TeamReading
    from droplets.tasks import read_teams

    pks = [str(connection.pk) for connection in connections]
    TeamReading.objects.bulk_create(TeamReading(connection=each, due_at=timezone.now()) for each in connections)
    parts = [pks[start : start + PER_MESSAGE] for start in range(0, len(pks), PER_MESSAGE)]
    found = []
    with stage.latency():
        before = size()
        start = perf_counter()
        for part in parts:
            read_teams(*part)
        seconds = perf_counter() - start
        whole = TeamReading.objects.exclude(taken_at=None).count()
        if whole != len(pks):
            raise RuntimeError(f"{whole} of {len(pks)} connections were read")
        found.append(("one worker process, connections read", f"{len(pks) / seconds:.0f} a second"))
        reading = (size() - before) / len(pks)
        SocialToken.objects.update(expires_at=timezone.now() + timedelta(days=1))
        start = perf_counter()
        for part in parts:
            accounts_tasks.refresh_some(*part)
        found.append(("one worker process, tokens refreshed", f"{len(pks) / (perf_counter() - start):.0f} a second"))
    found.append((f"database, latest reading of a team of {DROPLETS} droplets", f"{reading:,.0f} bytes"))
    return found


def rows(size: Callable[[], int], connection: Connection) -> list[Line]:
    """Bytes of the rows that there will be most of, with their indexes."""
    from django.utils import timezone

    from accounts.models import Event
    from droplets.models import Change

    before = size()
    Event.objects.bulk_create(
        Event(kind=Event.Kind.LOG_IN, actor="person", user=connection.user, detail="address 0123456789ab")
        for _ in range(ROWS)
    )
    events = (size() - before) / ROWS
    before, now = size(), timezone.now()
    Change.objects.bulk_create(
        [
            Change(
                droplet_id=number,
                team_key="0123abcd-0123-4567-89ab-0123456789ab",
                team_name=connection.team_name,
                droplet_name=f"web-{number}",
                kind=Change.Kind.RENAMED,
                before="web-1",
                after="web-2",
                since=now,
                at=now,
            )
            for number in range(ROWS)
        ],
        batch_size=1_000,
    )
    changes = (size() - before) / ROWS
    return [
        ("database, an entry of the audit log", f"{events:,.0f} bytes"),
        ("database, a change", f"{changes:,.0f} bytes"),
    ]


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="conveyor-capacity-") as name:
        directory = Path(name)
        sandbox = Sandbox.start(state=directory / "sandbox.sqlite3", options=SANDBOX)
        try:
            set_up(directory, sandbox)
            from django.db import connection as database
            from django.utils import timezone

            from accounts.models import Connection, User
            from tests.bench.measures import upkeep
            from tests.bench.stage import Stage

            def size() -> int:
                with database.cursor() as cursor:
                    cursor.execute("VACUUM")
                    cursor.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
                    return int(cursor.fetchone()[0])

            stage = Stage(directory, sandbox)
            lines = pages(stage)
            team = stage.others[0]
            pairs = upkeep._pairs(stage, team, CONNECTIONS)
            before = size()
            connections = upkeep._connections(pairs)
            for number, connection in enumerate(connections):  # each of a team of its own, and of a user who comes
                Connection.objects.filter(pk=connection.pk).update(team_uuid=f"team-{number}")
            User.objects.update(last_login=timezone.now())
            lines.append(("database, a connection with its tokens", f"{(size() - before) / CONNECTIONS:,.0f} bytes"))
            lines += work(stage, connections, size)
            lines += rows(size, connections[0])
        finally:
            sandbox.stop()
    print("\n".join(f"| {what} | {value} |" for what, value in lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
