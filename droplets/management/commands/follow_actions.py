"""`manage.py follow_actions`: run it every minute, from cron or a systemd timer."""

from collections import Counter
from itertools import islice
from typing import Any

from django.core.management.base import CommandError

from accounts.token_store import LOST_KEY
from common.commands import OperatorCommand
from common.exit_codes import ExitCode
from digitalocean_client import errors
from droplets.actions import emails, following, polling
from droplets.models import Action

_LOADED_AT_ONCE = 100


class Command(OperatorCommand):
    help = (
        "Asks DigitalOcean for the state of all actions under way, also where nobody has the page open. Safe to run "
        "on several machines at once. Exit code: 0 all asked, 75 some could not be asked now, 77 DigitalOcean does not "
        "accept Conveyor's own credentials, 78 a key is missing, 69 the database does not answer."
    )

    def work(self, **options: Any) -> None:
        counts: Counter[str] = Counter()
        groups = polling.by_connection(polling.due(Action.objects.select_related("user")))
        found = following.follow_all(groups, is_stopped=self.stop.__bool__)
        while answers := list(islice(found, _LOADED_AT_ONCE)):
            for row, error in answers:
                if error:
                    counts["not asked"] += 1
                    counts["refused"] += isinstance(error, errors.Misconfigured)
                    counts["no key"] += error.detail == LOST_KEY
                    self.stdout.write(f"Not asked: {row} ({error.code})")
            asked = [row.pk for row, error in answers if not error]
            for status in Action.objects.filter(pk__in=asked).values_list("status", flat=True):
                counts["under way" if status in Action.IN_FLIGHT else status] += 1
        emails.send_all_due()
        self.stdout.write(
            f"{counts['under way']} under way, {counts['completed']} done, {counts['errored']} failed, "
            f"{counts['lost']} lost, {counts['not asked']} not asked"
        )
        if counts["refused"]:
            raise CommandError(
                "DigitalOcean does not accept DIGITAL_OCEAN_CLIENT_ID and DIGITAL_OCEAN_CLIENT_SECRET",
                returncode=ExitCode.CREDENTIALS,
            )
        if counts["no key"]:
            raise CommandError(
                f"No key of TOKEN_KEYS decrypts the tokens for {counts['no key']} of them: add the key that is missing",
                returncode=ExitCode.CONFIGURATION,
            )
        if counts["not asked"]:
            raise CommandError(
                f"{counts['not asked']} could not be asked now; the next run tries again", returncode=ExitCode.WAITING
            )
