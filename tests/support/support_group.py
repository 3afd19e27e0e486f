"""The group of support staff. Tests that empty the database remove what migrations have stored, so it is made again."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from allauth.account.models import EmailAddress
from django.apps import apps
from django.contrib.auth.models import Group

import accounts.migrations
from accounts.models import User
from tests.support import totp
from tests.support.person import PASSWORD, Person
from tests.support.sandbox import Sandbox
from tests.support.staff import log_in_with_second_factor


def support_group() -> Group:
    """The group as the migrations make it."""
    found = Group.objects.filter(name="Support").first()
    if found is None:
        for app in ("accounts", "droplets"):
            for name in migrations_of(app):
                import_module(f"{app}.migrations.{name}").create_group(apps, None)
        found = Group.objects.get(name="Support")
    return found


def migrations_of(app: str) -> list[str]:
    folder = Path(str(accounts.migrations.__file__)).parents[2] / app / "migrations"
    return sorted(path.stem for path in folder.glob("*_support_group.py"))


def make_agent(sandbox: Sandbox, email: str = "agent@example.com") -> Person:
    """A member of the Support group who has logged in with the second factor."""
    user = User.objects.create_user(email, PASSWORD, is_staff=True)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    user.groups.add(support_group())
    agent = Person(sandbox, email)
    log_in_with_second_factor(agent, totp.switch_on(user))
    return agent
