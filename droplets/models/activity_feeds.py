"""The address of a user's feed."""

from __future__ import annotations

from typing import Self
from uuid import uuid4

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.db import models

from accounts.models import User

_SALT = "droplets.activity-feed"


class ActivityFeed(models.Model):
    """A user's feed of changes. Whoever knows its address can read it, without a log-in.

    The address has `key`, signed: the database alone does not tell it. A new key ends the old address.
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+")
    key = models.UUIDField(unique=True, default=uuid4, editable=False)

    def __str__(self) -> str:
        return f"Feed of {self.user_id}"

    @classmethod
    def user_of(cls, secret: str) -> User | None:
        """Whose address has this secret; None where it is wrong, was renewed, or its user is deactivated."""
        try:
            key = Signer(salt=_SALT).unsign(secret)
        except BadSignature:
            return None
        feed = cls.objects.select_related("user").filter(key=key, user__is_active=True).first()
        return feed.user if feed else None

    @classmethod
    def renew(cls, user: User) -> Self:
        feed, _ = cls.objects.update_or_create(user=user, defaults={"key": uuid4()})
        return feed

    @property
    def secret(self) -> str:
        return Signer(salt=_SALT).sign(self.key.hex)
