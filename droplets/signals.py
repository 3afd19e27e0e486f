"""What the rest of Conveyor does that readings have to know of."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver

from accounts.models import Connection
from droplets.calls import rate_limit, team_lists
from droplets.fleet import cache as fleet_cache
from droplets.metrics import cache as metrics_cache


@receiver(post_delete, sender=Connection)
def forget_reading(instance: Connection, **more: Any) -> None:
    """A team that is disconnected leaves nothing behind, once that is certain."""
    # The key as it is now: by the time of the commit Django has taken it from the instance.
    transaction.on_commit(partial(_forget, instance.pk))


def _forget(pk: UUID) -> None:
    fleet_cache.forget(pk)
    rate_limit.forget(pk)
    team_lists.forget(pk)
    metrics_cache.forget(pk)
