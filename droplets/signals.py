"""Signal receivers: clear a connection's caches when it is deleted; end a user's feed when all access is revoked."""

from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver

from accounts.access_revocation import access_revoked
from accounts.models import Connection, User
from droplets.calls import rate_limit, team_lists
from droplets.fleet import cache as fleet_cache
from droplets.metrics import cache as metrics_cache
from droplets.models import ActivityFeed


@receiver(post_delete, sender=Connection)
def clear_caches(instance: Connection, **more: Any) -> None:
    """After the commit: a deletion that is rolled back clears nothing."""
    # The key as it is now: by the time of the commit Django has set the instance's to None.
    transaction.on_commit(partial(_forget, instance.pk))


@receiver(access_revoked)
def end_feed(user: User, **more: Any) -> None:
    """The address of the feed is a secret too: whoever has it reads the user's teams without a log-in."""
    ActivityFeed.objects.filter(user=user).delete()


def _forget(pk: UUID) -> None:
    fleet_cache.forget(pk)
    rate_limit.forget(pk)
    team_lists.forget(pk)
    metrics_cache.forget(pk)
