"""Who of the support staff sees whom."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404

from accounts.models import User

PERMISSION = "accounts.view_user"


def may_see(staff: User, person: User) -> bool:
    """Only superusers see other staff."""
    if staff.is_superuser:
        return True
    return staff.has_perm(PERMISSION) and not (person.is_staff or person.is_superuser)


def people_for(staff: User) -> QuerySet[User]:
    """The users that this staff member may see. Raises PermissionDenied for one who may see none."""
    if not staff.has_perm(PERMISSION):
        raise PermissionDenied
    return User.objects.all() if staff.is_superuser else User.objects.filter(is_staff=False, is_superuser=False)


def person_for(staff: User, pk: int) -> User:
    """A user that this staff member may see. Raises PermissionDenied, or Http404 where there is no such user."""
    if not staff.has_perm(PERMISSION):
        raise PermissionDenied
    person = User.objects.filter(pk=pk).first()
    if person is None:
        raise Http404
    if not may_see(staff, person):
        raise PermissionDenied
    return person
