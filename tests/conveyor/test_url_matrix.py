"""Every URL of Conveyor, as every role, by every method. A URL without an entry in RULES fails the test.

GET and HEAD show, and change nothing. POST acts. Every other method is refused, whoever asks. The objects of another
user do not exist. Who is not logged in is led to the log-in, and who is not staff is kept out of the admin.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from accounts.models import User
from tests.support.matrix import ROLES, World, ask, routes
from tests.support.person import PASSWORD, Person
from tests.support.sandbox import Sandbox


class Rule(NamedTuple):
    """The answers to GET and POST: one for all roles, or one each, in the order of ROLES. `matrix.in_short` names them.

    The last role, a member of the Support group, may be left out where it is answered like staff who view everything.

    HEAD is answered like GET, unless `head` says otherwise. `noted` is what a page writes that only shows.
    """

    get: str
    post: str
    routes: list[str]
    head: str = ""
    noted: frozenset[str] = frozenset()


READ_ONLY = (
    "accounts/connection",
    "accounts/event",
    "accounts/revocation",
    "accounts/secondfactorreset",
    "droplets/action",
    "droplets/job",
    "socialaccount/socialaccount",
)
DOWNLOADED = (
    "accounts/connection",
    "accounts/event",
    "accounts/revocation",
    "accounts/user",
    "droplets/action",
    "droplets/job",
    "socialaccount/socialaccount",
)
RIGHTS = ("auth/group",)
CHANGED = ("accounts/user", *RIGHTS)
NOT_RIGHTS = (*READ_ONLY, "accounts/user")


def of_models(path: str, models: tuple[str, ...] = READ_ONLY + CHANGED) -> list[str]:
    return [f"admin/{model}/{path}" for model in models]


ROW = "<path:object_id>"
DROPLET = "droplets/<uuid:connection>/<int:droplet>"

#                   anonymous    stranger     owner        staff        viewer       superuser
RULES = {
    "PUBLIC": Rule("200", "405", [
        ".well-known/security.txt",
        "accounts/inactive/",
        "accounts/confirm-email/",
        "accounts/password/reset/key/done/",
        "accounts/password/reset/done/",
        "accounts/3rdparty/login/cancelled/",
    ]),
    "PUBLIC ERROR": Rule("401", "405", ["accounts/3rdparty/login/error/"]),
    "PUBLIC FORM": Rule("200", "200", [
        r"accounts/^confirm-email/(?P<key>[-:\w]+)/$",
        "accounts/password/reset/",
        "accounts/^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
    ]),
    "OLD ADDRESS": Rule("redirect", "redirect", [
        "accounts/social/login/cancelled/",
        "accounts/social/login/error/",
        "accounts/social/signup/",
        "accounts/social/connections/",
    ]),
    "FRONT PAGE": Rule("200          redirect     redirect     redirect     redirect     redirect", "405", [""]),
    "SIGNED OUT": Rule(
                    "200          redirect     redirect     redirect     redirect     redirect",
                    "200          redirect     redirect     redirect     redirect     redirect", [
        "accounts/login/",
        "accounts/signup/",
    ]),
    "STEP OF A LOG-IN": Rule(
                    "log-in       redirect     redirect     redirect     redirect     redirect",
                    "log-in       redirect     redirect     redirect     redirect     redirect", [
        "accounts/login/code/confirm/",
        "accounts/2fa/authenticate/",
    ]),
    "LOST PHONE": Rule(
                    "200          redirect     redirect     redirect     redirect     redirect",
                    "log-in       redirect     redirect     redirect     redirect     redirect", [
        "accounts/lost-phone/",
    ]),
    "FEED": Rule("404", "405", ["activity/feed/<str:secret>/"]),
    "LINK IN AN EMAIL": Rule("404", "404", [
        "accounts/lost-phone/finish/<str:key>/",
        "accounts/lost-phone/stop/<str:key>/",
        "watchers/unsubscribe/<str:key>/",
    ]),
    "ENDS A VIEW OF SUPPORT": Rule("405", "404", ["accounts/view-as/end/"]),
    "STEP OF A SIGN-UP": Rule("log-in", "log-in", ["accounts/3rdparty/signup/"]),
    "LOG-OUT": Rule("redirect     200          200          200          200          200", "redirect", [
        "accounts/logout/",
    ]),
    "DIGITALOCEAN LOG-IN": Rule("200", "DigitalOcean", ["accounts/digitalocean/login/"], head="405"),
    "DIGITALOCEAN CALLBACK": Rule("400", "405", ["accounts/digitalocean/login/callback/"], head="405"),
    "SIGNED IN": Rule(
                    "log-in       200          200          200          200          200",
                    "log-in       405          405          405          405          405", [
        "accounts/3rdparty/",
        "accounts/settings/",
        "account/history/",
        "accounts/2fa/",
        "accounts/2fa/webauthn/",
        "accounts/2fa/recovery-codes/",
        "accounts/2fa/recovery-codes/download/",
        "activity/",
        "activity.csv",
        "activity.json",
        "droplets/",
        "droplets.csv",
        "droplets.json",
        "droplets/ansible.yml",
        "droplets/ssh_config",
        "jobs/",
        "jobs/under-way/",
        "watchers/",
    ]),
    "SIGNED IN, EMPTY FORM": Rule(
                    "log-in       200          200          200          200          200",
                    "log-in       422          422          422          422          422", [
        "watchers/add/",
    ]),
    "OWNER, EMPTY FORM": Rule(
                    "log-in       404          200          404          404          404",
                    "log-in       404          422          404          404          404", [
        "watchers/<uuid:pk>/",
    ]),
    "SIGNED IN FORM": Rule(
                    "log-in       200          200          200          200          200",
                    "log-in       200          200          200          200          200", [
        "account/data/",
        "accounts/delete/",
        "accounts/password/change/",
        "accounts/reauthenticate/",
        "accounts/2fa/reauthenticate/",
        "accounts/2fa/webauthn/add/",
    ]),
    "ADDRESS OF THE FEED": Rule(
                    "log-in       200          200          200          200          200",
                    "log-in       redirect     redirect     redirect     redirect     redirect", [
        "activity/feed/",
    ]),
    "CONFIRM WITH A PASSKEY": Rule(
                    "log-in       200          200          200          200          200",
                    "log-in       redirect     redirect     redirect     redirect     redirect", [
        "accounts/2fa/webauthn/reauthenticate/",
    ]),
    "LOG-IN WITH A PASSKEY": Rule(
                    "log-in       redirect     redirect     redirect     redirect     redirect",
                    "log-in       redirect     redirect     redirect     redirect     redirect", [
        "accounts/2fa/webauthn/login/",
    ]),
    "OWNER OF A PASSKEY": Rule(
                    "log-in       404          200          404          404          404",
                    "log-in       404          200          404          404          404", [
        "accounts/2fa/webauthn/keys/<int:pk>/edit/",
    ]),
    "OWNER REMOVES A PASSKEY": Rule(
                    "log-in       404          200          404          404          404",
                    "log-in       404          redirect     404          404          404", [
        "accounts/2fa/webauthn/keys/<int:pk>/remove/",
    ]),
    "SIGNED IN BUTTON": Rule(
                    "log-in       200          200          200          200          200",
                    "log-in       redirect     redirect     redirect     redirect     redirect", [
        "accounts/email/",
        "accounts/sessions/",
        "accounts/2fa/totp/deactivate/",
        "accounts/2fa/recovery-codes/generate/",
    ]),
    "SET ALREADY": Rule(
                    "log-in       redirect     redirect     redirect     redirect     redirect",
                    "log-in       redirect     redirect     redirect     redirect     redirect", [
        "accounts/password/set/",
        "accounts/2fa/totp/activate/",
    ]),
    "SELECTS NOTHING": Rule(
                    "log-in       405          405          405          405          405",
                    "log-in       redirect     redirect     redirect     redirect     redirect", [
        "jobs/select/",
    ]),
    "POST ONLY": Rule(
                    "log-in       405          405          405          405          405",
                    "log-in       422          422          422          422          422", [
        "droplets/views/",
    ]),
    "OWNER": Rule(
                    "log-in       404          200          404          404          404",
                    "log-in       404          405          404          404          404", [
        f"{DROPLET}/",
        f"{DROPLET}/activity/",
        f"{DROPLET}/graphs/",
    ]),
    "OWNER, JOB": Rule(
                    "log-in       404          200          404          404          404",
                    "log-in       405          405          405          405          405", [
        "jobs/<uuid:job>/",
    ]),
    "OWNER, NOT A DRAFT": Rule(
                    "log-in       404          redirect     404          404          404",
                    "log-in       404          redirect     404          404          404", [
        "jobs/<uuid:job>/confirm/",
    ]),
    "OWNER, PART OF A PAGE": Rule(
                    "log-in       404          redirect     404          404          404",
                    "log-in       404          405          404          404          404", [
        f"{DROPLET}/progress/",
    ]),
    "OWNER, CONFIRMED": Rule(
                    "log-in       404          200          404          404          404",
                    "log-in       404          redirect     404          404          404", [
        "accounts/connections/<uuid:pk>/disconnect/",
    ]),
    "OWNER, CONFIRMED ACTION": Rule(
                    "log-in       404          200          404          404          404",
                    "log-in       404          409          404          404          404", [
        f"{DROPLET}/actions/<slug:kind>/",  # 409: the connection may only read
    ]),
    "OWNER, POST ONLY": Rule(
                    "log-in       405          405          405          405          405",
                    "log-in       404          redirect     404          404          404", [
        "accounts/connections/<uuid:pk>/sign-in/",
        "droplets/views/<uuid:view>/delete/",
        "jobs/<uuid:job>/cancel/",
        "jobs/<uuid:job>/retry/",
        "droplets/<uuid:connection>/renew/",
        "watchers/<uuid:pk>/delete/",
        "watchers/<uuid:pk>/pause/",
        "watchers/<uuid:pk>/test/",
    ]),
    "OWNER, SHOWN ONCE": Rule(
                    "log-in       405          405          405          405          405",
                    "log-in       404          200          404          404          404", [
        "watchers/<uuid:pk>/secret/",
    ]),
    "OWNER, TO DIGITALOCEAN": Rule(
                    "log-in       405          405          405          405          405",
                    "log-in       404          DigitalOcean 404          404          404", [
        "accounts/connections/<uuid:pk>/reconnect/",
        "accounts/connections/<uuid:pk>/act/",
    ]),
    "STAFF": Rule(  "404          404          404          200          200          200", "405", ["readyz"]),
    "ADMIN LOG-IN": Rule("log-in  403          403          redirect     redirect     redirect", "405", [
        "admin/login/",
    ]),
    "ADMIN LOG-OUT": Rule("redirect redirect   redirect     405          405          405", "redirect", [
        "admin/logout/",
    ]),
    "ADMIN": Rule(
                    "admin-log-in admin-log-in admin-log-in 200          200          200",
                    "admin-log-in admin-log-in admin-log-in 200          200          200", [
        "admin/",
    ]),
    "DESK": Rule(
                    "admin-log-in admin-log-in admin-log-in 403          200          200",
                    "admin-log-in admin-log-in admin-log-in 405          405          405", [
        "admin/people/",
    ]),
    "DESK, A PERSON": Rule(
                    "admin-log-in admin-log-in admin-log-in 403          200          200",
                    "admin-log-in admin-log-in admin-log-in 405          405          405", [
        "admin/people/<int:pk>/",
    ], noted=frozenset({"INSERT accounts_event"})),  # each look is recorded
    "ADMIN SCRIPT": Rule(
                    "admin-log-in admin-log-in admin-log-in 200          200          200",
                    "admin-log-in admin-log-in admin-log-in 405          405          405", [
        "admin/jsi18n/",
    ]),
    "ADMIN, CONVEYOR HAS ITS OWN": Rule(
                    "admin-log-in admin-log-in admin-log-in redirect     redirect     redirect",
                    "admin-log-in admin-log-in admin-log-in redirect     redirect     redirect", [
        "admin/password_change/",
        "admin/password_change/done/",
    ]),
    "ADMIN, SHORT ADDRESS": Rule(
                    "admin-log-in admin-log-in admin-log-in redirect     redirect     redirect",
                    "admin-log-in admin-log-in admin-log-in redirect     redirect     redirect",
        of_models(f"{ROW}/"),
    ),
    "ADMIN, NOT USED": Rule(
                    "admin-log-in admin-log-in admin-log-in 404          404          404",
                    "admin-log-in admin-log-in admin-log-in 404          404          404", [
        "admin/r/<path:content_type_id>/<path:object_id>/",
        "admin/(?P<url>.*)$",
    ]),
    "ADMIN, NOT ALLOWED": Rule(
                    "admin-log-in admin-log-in admin-log-in 403          403          403",
                    "admin-log-in admin-log-in admin-log-in 405          405          405", [
        "admin/autocomplete/",
    ]),
    "ADMIN OF AN APP": Rule(
                    "admin-log-in admin-log-in admin-log-in 404          200          200",
                    "admin-log-in admin-log-in admin-log-in 404          200          200", [
        "admin/^(?P<app_label>auth|accounts|droplets|socialaccount)/$",
    ]),
    "ADMIN LISTS": Rule(
                    "admin-log-in admin-log-in admin-log-in 403          200          200",
                    "admin-log-in admin-log-in admin-log-in 403          200          200",
        of_models("", NOT_RIGHTS) + of_models(f"{ROW}/history/", NOT_RIGHTS),
    ),
    "ADMIN, RIGHTS": Rule(
                    "admin-log-in admin-log-in admin-log-in 403          200          200          403",
                    "admin-log-in admin-log-in admin-log-in 403          200          200          403",
        of_models("", RIGHTS) + of_models(f"{ROW}/history/", RIGHTS),
    ),
    "ADMIN READS": Rule(
                    "admin-log-in admin-log-in admin-log-in 403          200          200",
                    "admin-log-in admin-log-in admin-log-in 403          403          403",
        of_models(f"{ROW}/change/", READ_ONLY),
    ),
    "ADMIN NEVER": Rule(
                    "admin-log-in admin-log-in admin-log-in 403          403          403",
                    "admin-log-in admin-log-in admin-log-in 403          403          403",
        of_models("add/", READ_ONLY) + of_models(f"{ROW}/delete/", READ_ONLY),
    ),
    "ADMIN CHANGES": Rule(
                    "admin-log-in admin-log-in admin-log-in 403          200          200",
                    "admin-log-in admin-log-in admin-log-in 403          403          200",
        of_models(f"{ROW}/change/", ("accounts/user",)),
    ),
    "ADMIN CHANGES RIGHTS": Rule(
                    "admin-log-in admin-log-in admin-log-in 403          200          200          403",
                    "admin-log-in admin-log-in admin-log-in 403          403          200          403",
        of_models(f"{ROW}/change/", RIGHTS),
    ),
    "ADMIN ADDS AND DELETES": Rule(
                    "admin-log-in admin-log-in admin-log-in 403          403          200",
                    "admin-log-in admin-log-in admin-log-in 403          403          200",
        of_models("add/", CHANGED) + of_models(f"{ROW}/delete/", CHANGED),
    ),
    "ADMIN, ACTS OF SUPPORT": Rule(
                    "admin-log-in admin-log-in admin-log-in 403          403          200          200",
                    "admin-log-in admin-log-in admin-log-in 403          403          422          422", [
        "admin/people/<int:pk>/acts/<slug:code>/",
        "admin/people/<int:pk>/connections/<uuid:connection>/acts/<slug:code>/",
    ]),
    "INCIDENT": Rule(
                    "admin-log-in admin-log-in admin-log-in 403          200          200",
                    "admin-log-in admin-log-in admin-log-in 405          405          405", [
        "admin/incident/",
    ]),
    "INCIDENT, DOWNLOAD": Rule(
                    "admin-log-in admin-log-in admin-log-in 405          405          405",
                    "admin-log-in admin-log-in admin-log-in 403          200          200", [
        "admin/incident/csv/",
    ]),
    "INCIDENT, EMAIL": Rule(
                    "admin-log-in admin-log-in admin-log-in 403          403          200",
                    "admin-log-in admin-log-in admin-log-in 403          403          200", [
        "admin/incident/email/",
    ]),
    "INCIDENT, EMAIL SENT": Rule(
                    "admin-log-in admin-log-in admin-log-in 403          200          200",
                    "admin-log-in admin-log-in admin-log-in 405          405          405", [
        "admin/incident/email/<uuid:pk>/",
    ]),
    "ADMIN, DOWNLOADS": Rule(
                    "admin-log-in admin-log-in admin-log-in 405          405          405",
                    "admin-log-in admin-log-in admin-log-in 403          200          200",
        of_models("csv/", DOWNLOADED),
    ),
    "ADMIN, POST ONLY": Rule(
                    "admin-log-in admin-log-in admin-log-in 405          405          405",
                    "admin-log-in admin-log-in admin-log-in 403          403          redirect", [
        "admin/accounts/user/<path:pk>/password-reset/",
    ]),
    "ADMIN, POST ONLY, SUPPORT": Rule(
                    "admin-log-in admin-log-in admin-log-in 405          405          405          405",
                    "admin-log-in admin-log-in admin-log-in 403          403          redirect     redirect", [
        "admin/accounts/secondfactorreset/begin/",
        "admin/accounts/secondfactorreset/<int:pk>/take/",
        "admin/accounts/secondfactorreset/<int:pk>/approve/",
        "admin/accounts/secondfactorreset/<int:pk>/refuse/",
    ]),
}  # fmt: skip

METHODS = ("GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "POST")
REFUSED = ("403", "404", "405", "log-in", "admin-log-in")
NOTED = {
    "UPDATE accounts_connection",
    "INSERT accounts_outcomeinterval",
    "UPDATE accounts_outcomeinterval",
    "UPDATE mfa_authenticator",
}
"""What a page notes when it is shown: how droplets were read, and that allauth has shown the recovery codes."""


def expected(rule: Rule, method: str, role: str) -> str:
    answers = {"GET": rule.get, "HEAD": rule.head or rule.get, "POST": rule.post}.get(method, "405").split()
    if role == "agent" and len(answers) == len(ROLES) - 1:
        role = "viewer"
    return answers[ROLES.index(role)] if len(answers) > 1 else answers[0]


@pytest.fixture
def world(digitalocean: Sandbox, db: None, settings: Any) -> World:
    settings.ACCOUNT_RATE_LIMITS = False
    return World(digitalocean)


class TestWorks:
    def test_every_url_has_one_entry(self) -> None:
        listed = [route for rule in RULES.values() for route in rule.routes]

        assert sorted(listed) == sorted(set(routes()))

    @pytest.mark.parametrize("role", ROLES)
    def test_every_answer(self, world: World, role: str) -> None:
        client = world.client(role)
        wrong = []
        for name, rule in RULES.items():
            for route in rule.routes:
                for method in METHODS:
                    answer, written = ask(client, method, world.path(route))
                    if answer != expected(rule, method, role):
                        wrong.append(f"{method} {route} ({name}): {answer}, not {expected(rule, method, role)}")
                    if (method != "POST" or answer in REFUSED) and written - NOTED - rule.noted:
                        wrong.append(f"{method} {route} ({name}): {answer}, and did {written}")

        assert not wrong, "\n".join(wrong)


class TestRefuses:
    @pytest.mark.parametrize("role", ROLES)
    def test_a_post_without_the_csrf_token(self, world: World, role: str) -> None:
        client = world.client(role, csrf=True)
        wrong = []
        for rule in RULES.values():
            for route in rule.routes:
                answer, written = ask(client, "POST", world.path(route))
                if answer not in REFUSED or written:
                    wrong.append(f"{route}: {answer}, did {written}")

        assert not wrong, "\n".join(wrong)

    def test_a_superuser_in_the_admin_without_a_second_factor(self, world: World) -> None:
        User.objects.create_superuser("root@example.com", PASSWORD)
        root = Person(world.people["owner"].sandbox, "root@example.com")
        root.log_in()
        urls = [route for route in routes() if route.startswith("admin/") and "/log" not in route]

        answers = {ask(root.client, method, world.path(url)) for url in urls for method in ("GET", "POST")}

        assert answers == {("admin-log-in", frozenset())}
