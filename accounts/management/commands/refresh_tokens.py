"""`manage.py refresh_tokens`: for cron or a systemd timer, hourly or so."""

from argparse import ArgumentParser
from collections import Counter
from datetime import timedelta
from itertools import chain
from typing import Any

from django.core.management.base import CommandError
from tqdm import tqdm

from accounts import keepalive, revocations, second_factor_reset, spill
from common.commands import OperatorCommand
from common.exit_codes import ExitCode


class Command(OperatorCommand):
    help = (
        "Refreshes tokens that expire soon, sends the revocations that wait, and ends expired requests to reset a "
        "second factor. Safe to run on several machines at once. Exit code: 0 all done, 75 something has to wait for "
        "the next run, 77 DigitalOcean does not accept Conveyor's own credentials, 78 a key is missing, 69 the "
        "database does not answer."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--days",
            type=float,
            default=7.0,
            help="refresh tokens that expire within this many days (default 7), but not before half of their life",
        )
        parser.add_argument(
            "--batch",
            type=int,
            default=keepalive.AT_ONCE,
            help=f"how many at a time, 1 to 100 (default {keepalive.AT_ONCE})",
        )

    def work(self, **options: Any) -> None:
        # At most ten years: DigitalOcean gives 30 days. NaN is not between them either.
        if not 0 <= options["days"] <= 3650 or not 1 <= options["batch"] <= 100:
            raise CommandError(
                "--days is between 0 and 3650, --batch between 1 and 100", returncode=ExitCode.WRONG_OPTION
            )
        within = timedelta(days=options["days"])
        how: Any = {"at_once": options["batch"], "is_stopped": self.stop.__bool__}
        spill.store_leftovers()
        second_factor_reset.expire()
        connections, revocations_due = keepalive.due_connections(within), revocations.due()
        counts: Counter[str] = Counter()
        # disable=None shows the bar on a terminal only.
        with tqdm(total=len(connections) + len(revocations_due), unit="", disable=None, file=self.stderr) as bar:
            for done in chain(
                keepalive.refresh(connections, within=within, **how),
                keepalive.process_revocations(revocations_due, **how),
            ):
                counts[done.what] += 1
                counts["refused"] += done.is_misconfigured
                counts["no key"] += done.is_key_missing
                if done.what in ("lost", "waiting"):
                    bar.clear()
                    reason = "no key of TOKEN_KEYS decrypts its token" if done.is_key_missing else done.reason
                    self.stdout.write(f"{_WORDS[done.what]}: {done.name} ({reason})")
                bar.update()
        self.stdout.write(
            f"{counts['refreshed']} refreshed, {counts['lost']} need their owner, {counts['revoked']} revoked, "
            f"{counts['waiting']} waiting; {keepalive.backlog()} revocations in the queue"
        )
        _fail(counts)


_WORDS = {"lost": "Needs its owner", "waiting": "Not done now"}


def _fail(counts: Counter[str]) -> None:
    """Raise `CommandError` where not all was done, with the code of what needs the operator most."""
    if counts["refused"]:
        raise CommandError(
            "DigitalOcean does not accept DIGITAL_OCEAN_CLIENT_ID and DIGITAL_OCEAN_CLIENT_SECRET",
            returncode=ExitCode.CREDENTIALS,
        )
    if counts["no key"]:
        raise CommandError(
            f"No key of TOKEN_KEYS decrypts {counts['no key']} of them: add the key that is missing",
            returncode=ExitCode.CONFIGURATION,
        )
    if counts["waiting"]:
        raise CommandError(
            f"{counts['waiting']} could not be done now; the next run tries again", returncode=ExitCode.WAITING
        )
