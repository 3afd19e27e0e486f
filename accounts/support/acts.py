"""What support staff can do for a person."""

from __future__ import annotations

from accounts.decorators import SignedInRequest
from accounts.models import User


def available(request: SignedInRequest, person: User) -> list[object]:
    """What the staff member of this request may do for this person, for `admin/support/_acts.html`."""
    return []
