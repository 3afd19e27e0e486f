"""The user model. The email address is the username."""

from typing import Any, ClassVar
from uuid import uuid4

from allauth.account.models import EmailAddress
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models, transaction
from django.utils import timezone

RELEASED_DOMAIN = "released.invalid"
"""Domain of the placeholder address of an account whose address another user has confirmed (`.invalid`: RFC 2606)."""


class UserManager(BaseUserManager["User"]):
    use_in_migrations = True

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").lower())

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A user with a lower-case address. Raises ValueError without one."""
        if not email:
            raise ValueError("A user needs an email address")
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A superuser with a confirmed address: whoever runs the command needs no email to prove it."""
        with transaction.atomic(using=self._db):
            user = self.create_user(email, password, **fields | {"is_staff": True, "is_superuser": True})
            EmailAddress.objects.using(self._db).create(user=user, email=user.email, verified=True, primary=True)
        return user


class User(AbstractBaseUser, PermissionsMixin):
    email = models.EmailField("email address", unique=True, error_messages={"unique": "This address is in use."})
    is_staff = models.BooleanField("support staff", default=False, help_text="May enter the admin site.")
    is_active = models.BooleanField(
        "active", default=True, help_text="Deactivated users cannot log in, and their tokens are not used."
    )
    date_joined = models.DateTimeField("joined", default=timezone.now, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        app_label = "accounts"
        indexes: ClassVar = [models.Index(fields=["date_joined"]), models.Index(fields=["last_login"])]

    def __str__(self) -> str:
        return self.email

    def clean(self) -> None:
        super().clean()
        self.email = self.email.lower()

    def release_email(self) -> None:
        """Replace the address with a placeholder, because another user has confirmed it."""
        self.email = f"{uuid4().hex}@{RELEASED_DOMAIN}"
        self.save(update_fields=["email"])

    @property
    def has_own_email(self) -> bool:
        return not is_released(self.email)


def is_released(email: str) -> bool:
    """Whether this is the placeholder of a released address."""
    return email.endswith(f"@{RELEASED_DOMAIN}")


def display(user: User) -> str:
    """The name of a user on pages and in emails."""
    return user.email if user.has_own_email else "account without an email address"
