"""`manage.py after_restore`: run it on a restored database before Conveyor starts. See docs/backups.md."""

from typing import Any

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, InterfaceError, transaction
from django.utils import timezone

from accounts import second_factor_reset
from common.commands import database_problem
from droplets.actions import transitions
from droplets.jobs import service
from droplets.models import Action, Delivery, Job

_ACTOR = "after_restore"
_LOST = "Conveyor's database was restored from a backup. Look at the droplet before you try again."


class Command(BaseCommand):
    help = (
        "Ends what a restored database must not go on with, because it does not know what has happened since the "
        "backup: sessions, droplets of jobs that still wait, actions that were about to be sent, messages of watchers, "
        "and requests to reset a second factor. It sends no action. Run it before anything of Conveyor starts."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, yes: bool, **options: Any) -> None:
        try:
            if not yes and input("End all sessions, jobs and messages of this database? [y/N] ").lower() != "y":
                raise CommandError("Nothing was changed.")
            found = _settle()
        except (EOFError, KeyboardInterrupt):
            raise CommandError("Nothing was changed. Use --yes where nobody can answer.") from None
        except (DatabaseError, InterfaceError) as error:
            raise database_problem(error) from None
        second_factor_reset.end_all(_ACTOR)
        self.stdout.write(", ".join(f"{number} {what}" for what, number in found.items()) + " ended")


@transaction.atomic
def _settle() -> dict[str, int]:
    """End it all; a second time there is nothing left. A session that was ended since the backup would be open again.

    A job would act again on droplets that it has acted on since.
    """
    UserSession.objects.all().delete()
    sessions, _ = Session.objects.all().delete()
    steps = sum(service.cancel(job) for job in Job.objects.filter(state=Job.State.RUNNING))
    unsent = list(Action.objects.filter(status=Action.Status.RECORDED))
    for action in unsent:
        transitions.mark_lost(action, _LOST)
    messages = Delivery.objects.filter(status=Delivery.Status.WAITING).update(
        status=Delivery.Status.CANCELLED, result="The database was restored from a backup.", ended_at=timezone.now()
    )
    return {"sessions": sessions, "droplets of jobs": steps, "actions": len(unsent), "messages": messages}
