"""Staff who have logged in to the admin."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.contrib.auth.models import Permission

from accounts.models import User
from tests.support import totp
from tests.support.person import PASSWORD, Person
from tests.support.sandbox import Sandbox


def make_staff(sandbox: Sandbox, email: str, *, superuser: bool = False, permissions: str = "") -> Person:
    """A staff user, logged in with the second factor. `permissions`: all whose codename starts so, "" for none."""
    person = Person(sandbox, email)
    if superuser:
        User.objects.create_superuser(email, PASSWORD)
    else:
        user = User.objects.create_user(email, PASSWORD, is_staff=True)
        EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
        if permissions:
            user.user_permissions.set(Permission.objects.filter(codename__startswith=permissions))
    log_in_with_second_factor(person, totp.switch_on(person.user))
    return person


def log_in_with_second_factor(person: Person, secret: str) -> None:
    person.log_in()
    answer = person.client.post("/accounts/2fa/authenticate/", {"code": totp.code(secret)})
    assert answer.status_code == 302, answer.content.decode()
