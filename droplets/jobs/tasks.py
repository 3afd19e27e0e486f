"""Background work on jobs. Each message may come twice: the lease of a job's part decides who does it."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from common.tasks import ACT, enqueue
from droplets.jobs import advance


@shared_task(name="droplets.advance_jobs", queue=ACT)
def advance_jobs() -> None:
    """Find the parts of jobs that are due, and send them to the workers, a message for each."""
    for part in advance.due():
        enqueue(advance_job, part.job_id, part.connection_id)


@shared_task(name="droplets.advance_job", queue=ACT)
def advance_job(job: str, connection: str) -> None:
    """Go on with the part of a job in one team, and send a message for the next time."""
    again = advance.advance(UUID(job), UUID(connection))
    if again is not None:
        enqueue(advance_job, job, connection, countdown=again)
