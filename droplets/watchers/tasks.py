"""Background work of watchers. Each message may come twice, or at the same time on two machines."""

from collections.abc import Iterable
from uuid import UUID

from celery import shared_task

from accounts.models import User
from common.tasks import KEEP, SEND, enqueue
from droplets.models import Watcher
from droplets.watchers import deliveries, evaluation


def evaluate_soon(users: Iterable[int] | None = None) -> None:
    """Send these people, or all, to the workers, as far as they have watchers."""
    watched = Watcher.objects.filter(is_paused=False, user__is_active=True)
    if users is not None:
        watched = watched.filter(user__in=users)
    for user in watched.order_by("user").values_list("user", flat=True).distinct():
        enqueue(evaluate_user, user)


@shared_task(name="droplets.evaluate_watchers", queue=KEEP)
def evaluate_watchers() -> None:
    evaluate_soon()


@shared_task(name="droplets.evaluate_user", queue=KEEP)
def evaluate_user(pk: str) -> None:
    user = User.objects.filter(pk=pk).first()
    if user:
        evaluation.evaluate(user)


@shared_task(name="droplets.send_due_messages", queue=KEEP)
def send_due_messages() -> None:
    """Send the messages that are due to the workers."""
    for pk in deliveries.due():
        enqueue(send_message, pk)


@shared_task(name="droplets.send_message", queue=SEND)
def send_message(pk: str) -> None:
    deliveries.deliver(UUID(pk))


@shared_task(name="droplets.delete_old_messages", queue=KEEP)
def delete_old_messages() -> None:
    deliveries.delete_old()
