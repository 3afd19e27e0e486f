"""`manage.py refresh_tokens`: for cron or a systemd timer, hourly or so."""

from argparse import ArgumentParser
from collections import Counter
from datetime import timedelta
from itertools import chain
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from accounts import keepalive, revocations, second_factor_reset, spill


class Command(BaseCommand):
    help = (
        "Refreshes tokens that expire soon, sends the revocations that wait, and ends expired requests to reset a "
        "second factor. Safe to run on several machines at once. Exit code: 0 all done, 1 something has to wait for "
        "the next run, 2 DigitalOcean does not accept Conveyor's own credentials."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--days",
            type=float,
            default=7.0,
            help="refresh tokens that expire within this many days (default 7), but not before half of their life",
        )
        parser.add_argument("--batch", type=int, default=10, help="how many at a time (default 10)")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["days"] < 0 or not 1 <= options["batch"] <= 100:
            raise CommandError("--days must not be negative, --batch is between 1 and 100")
        within, batch = timedelta(days=options["days"]), options["batch"]
        spill.store_leftovers()
        second_factor_reset.expire()
        connections, revocations_due = keepalive.due_connections(within), revocations.due()
        counts: Counter[str] = Counter()
        misconfigured = False
        # disable=None shows the bar on a terminal only.
        with tqdm(total=len(connections) + len(revocations_due), unit="", disable=None, file=self.stderr) as bar:
            for done in chain(
                keepalive.refresh(connections, within=within, batch=batch),
                keepalive.process_revocations(revocations_due, batch=batch),
            ):
                counts[done.what] += 1
                misconfigured = misconfigured or done.is_misconfigured
                if done.what in ("lost", "waiting"):
                    bar.clear()
                    self.stdout.write(f"{_WORDS[done.what]}: {done.name} ({done.reason})")
                bar.update()
        self.stdout.write(
            f"{counts['refreshed']} refreshed, {counts['lost']} need their owner, {counts['revoked']} revoked, "
            f"{counts['waiting']} waiting; {keepalive.backlog()} revocations in the queue"
        )
        if misconfigured:
            raise CommandError(
                "DigitalOcean does not accept DIGITAL_OCEAN_CLIENT_ID and DIGITAL_OCEAN_CLIENT_SECRET", returncode=2
            )
        if counts["waiting"]:
            raise CommandError(f"{counts['waiting']} could not be done now; the next run tries again", returncode=1)


_WORDS = {"lost": "Needs its owner", "waiting": "Not done now"}
