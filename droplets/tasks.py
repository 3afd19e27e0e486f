"""Background work on droplets. See conveyor/celery_config.py for when.

Each message may come twice, or at the same time on two machines: the leases of the rows decide who does what.
"""

from time import monotonic
from uuid import UUID

from celery import shared_task

from common.tasks import ACT, enqueue
from droplets.actions import polling
from droplets.models import Action

_SECONDS = 20.0
"""For all actions of one connection together."""


@shared_task(name="droplets.follow_actions", queue=ACT)
def follow_actions() -> None:
    """Find the actions whose state is to be asked for now, and send them to the workers, a message per connection."""
    for _, rows in polling.by_connection(polling.due(Action.objects.select_related("user"))):
        enqueue(follow_some, *(row.pk for row in rows))


@shared_task(name="droplets.follow_some", queue=ACT)
def follow_some(*pks: str) -> None:
    """Ask DigitalOcean for the state of these actions, which are due and of one connection."""
    due = polling.due(Action.objects.select_related("user").filter(pk__in=[UUID(pk) for pk in pks]))
    for connection, rows in polling.by_connection(due):
        for _ in polling.follow(connection, rows, deadline=monotonic() + _SECONDS):
            pass
