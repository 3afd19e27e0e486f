"""`manage.py follow_actions`: run it every minute, from cron or a systemd timer."""

from collections import Counter
from time import monotonic
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from droplets.actions import polling
from droplets.models import Action

SECONDS = 10.0
"""For all actions of one connection together."""


class Command(BaseCommand):
    help = (
        "Asks DigitalOcean for the state of all actions under way, also where nobody has the page open. Safe to run "
        "on several machines at once. Exit code: 0 all asked, 1 some could not be asked now."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        counts: Counter[str] = Counter()
        for connection, rows in polling.by_connection(polling.due(Action.objects.select_related("user"))):
            for row, error in polling.follow(connection, rows, deadline=monotonic() + SECONDS):
                if error:
                    counts["not asked"] += 1
                    self.stdout.write(f"Not asked: {row} ({error.code})")
                    continue
                row.refresh_from_db()
                counts["under way" if row.is_in_flight else row.status] += 1
        self.stdout.write(
            f"{counts['under way']} under way, {counts['completed']} done, {counts['errored']} failed, "
            f"{counts['lost']} lost, {counts['not asked']} not asked"
        )
        if counts["not asked"]:
            raise CommandError(f"{counts['not asked']} could not be asked now; the next run tries again", returncode=1)
