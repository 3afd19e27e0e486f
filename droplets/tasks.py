"""Background work on droplets. See conveyor/celery_config.py for when.

Each message may come twice, or at the same time on two machines: the leases of the rows decide who does what.
"""

import logging
from uuid import UUID

from celery import shared_task

from common.tasks import ACT, KEEP, READ, enqueue
from droplets.actions import following, polling
from droplets.changes import actions, store
from droplets.fleet import readings
from droplets.jobs import retention
from droplets.models import Action
from droplets.watchers.tasks import evaluate_soon

log = logging.getLogger(__name__)

_ACTIONS = 100
"""Polled by one message."""

_CONNECTIONS = 20
"""Read by one message, all at once."""


@shared_task(name="droplets.follow_actions", queue=ACT)
def follow_actions() -> None:
    """Find the actions whose state is to be asked for now, and send them to the workers in parts."""
    groups = polling.by_connection(polling.due(Action.objects.select_related("user")))
    pks = [row.pk for _, rows in groups for row in rows]
    for start in range(0, len(pks), _ACTIONS):
        enqueue(follow_some, *pks[start : start + _ACTIONS])


@shared_task(name="droplets.follow_some", queue=ACT)
def follow_some(*pks: str) -> None:
    """Ask DigitalOcean for the state of those of these actions that are due."""
    due = polling.due(Action.objects.select_related("user").filter(pk__in=[UUID(pk) for pk in pks]))
    for _ in following.follow_all(polling.by_connection(due)):
        pass


@shared_task(name="droplets.watch_teams", queue=READ)
def watch_teams() -> None:
    """Find the connections whose droplets are to be read now, and send them to the workers, some in each message."""
    pks = readings.due()
    for start in range(0, len(pks), _CONNECTIONS):
        enqueue(read_teams, *pks[start : start + _CONNECTIONS])


@shared_task(name="droplets.read_teams", queue=READ)
def read_teams(*pks: str) -> None:
    """Read the droplets of these connections, where that is due, and store what has changed."""
    found, rows = readings.read([UUID(pk) for pk in pks])
    for reading in found:
        try:
            store.store_reading(reading)
        except Exception:  # one team must not keep the others from being stored
            log.exception("Storing a reading failed", extra={"connection": str(reading.connection.pk)})
    readings.finish(rows)
    if found:
        enqueue(read_actions, *(reading.connection.pk for reading in found))
    evaluate_soon({row.connection.user.pk for row in rows})


@shared_task(name="droplets.read_actions", queue=READ)
def read_actions(*pks: str) -> None:
    """Read the actions of these connections' teams, whose droplets were just read, for the time line.

    A message that is lost is made up for after the next reading.
    """
    actions.store_actions(UUID(pk) for pk in pks)


@shared_task(name="droplets.delete_old_changes", queue=KEEP)
def delete_old_changes() -> None:
    """Delete changes that are older than CHANGE_DAYS."""
    store.delete_old_changes()


@shared_task(name="droplets.delete_old_actions", queue=KEEP)
def delete_old_actions() -> None:
    """Delete actions and jobs that are older than ACTION_DAYS."""
    retention.delete_old()
