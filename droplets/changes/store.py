"""Changes in the database: storing what a reading shows, reading it back, and deleting what is old."""

from __future__ import annotations

from django.db.models import Max, QuerySet

from accounts.models import User
from droplets.models import Change


def changes_since(user: User, id: int) -> QuerySet[Change]:
    """The changes with a higher id than this that the user may see, the oldest first. Slice it: there may be many."""
    return Change.objects.visible_to(user).filter(id__gt=id).order_by("id")


def latest_id() -> int:
    """The highest id of all changes, 0 where there is none."""
    return Change.objects.aggregate(latest=Max("id"))["latest"] or 0
