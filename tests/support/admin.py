"""Pages and forms of the admin."""

from __future__ import annotations

from collections.abc import Iterator

from allauth.socialaccount.models import SocialAccount
from django.contrib import admin
from django.db.models import Model
from django.urls import reverse

from accounts.models import Connection, Event, Revocation, SecondFactorReset, User
from droplets.models import Action, Job
from tests.support.person import Person

READ_ONLY = (Action, Connection, Event, Job, Revocation, SecondFactorReset, SocialAccount)
"""Models whose rows nobody changes in the admin."""


def page(model: type[Model], name: str = "changelist", *pk: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=pk)


def every_page(staff: Person) -> Iterator[tuple[str, str]]:
    """Address and source of each page: index, lists, forms, history and deletion of each row."""
    addresses = ["/admin/"]
    for model, _ in sorted(admin.site._registry.items(), key=lambda item: item[0]._meta.label):
        addresses.append(page(model))
        addresses.append(page(model, "add"))
        for row in model._default_manager.all():
            addresses += [page(model, name, row.pk) for name in ("change", "history", "delete")]
    for address in addresses:
        answer = staff.client.get(address)
        assert answer.status_code in (200, 403), address
        yield address, answer.content.decode()


def user_form(user: User, **changes: str) -> dict[str, str]:
    """The form of a user as the browser would send it unchanged."""
    form = {"is_active": "on"}
    for inline in ("socialaccount_set", "emailaddress_set"):
        form |= {f"{inline}-TOTAL_FORMS": "0", f"{inline}-INITIAL_FORMS": "0"}
    form |= changes
    return {name: value for name, value in form.items() if value}
