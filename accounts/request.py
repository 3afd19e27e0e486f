"""Types for views."""

from __future__ import annotations

from django.http import HttpRequest

from accounts.users import User


class SignedInRequest(HttpRequest):
    """A request behind `login_required`."""

    user: User
