"""The ten usual tickets, each played by a member of the Support group from `/admin/` in at most five clicks."""

from __future__ import annotations

import re
from zipfile import ZipFile

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import Arrive
from tests.browser.server import Conveyor
from tests.browser.support_agent import MOST_CLICKS, Agent
from tests.browser.visitor import NARROW, Visitor
from tests.support.sandbox import Sandbox

DESK_WIDE = {"width": 1440, "height": 900}

Arrivals = tuple[Agent, Visitor, str]


def judge(visitor: Visitor) -> None:
    """The page as it is: nothing for axe to complain of, wide and narrow, light and dark, and nothing to scroll for."""
    for size in (NARROW, DESK_WIDE):
        visitor.page.set_viewport_size(size)
        assert not visitor.scrolls_sideways(), f"{visitor.page.url} at {size['width']}"
        for scheme in ("light", "dark"):
            visitor.page.emulate_media(color_scheme=scheme)
            found = [
                (violation["id"], [node["html"] for node in violation["nodes"]])
                for violation in Axe().run(visitor.page).response["violations"]
            ]
            assert found == [], f"{visitor.page.url}, {size['width']} px, {scheme}"


def change(conveyor: Conveyor, email: str, code: str) -> None:
    """Run a line of Python with the `user` of this address and their `rows` of connections."""
    conveyor.manage(
        "shell",
        "--verbosity",
        "0",
        "-c",
        "from datetime import timedelta; from uuid import uuid4; from allauth.account.models import EmailAddress; "
        "from allauth.mfa.models import Authenticator; from allauth.socialaccount.models import SocialToken; "
        "from django.db.models import F; from django.utils import timezone; "
        "from accounts.models import Connection, Event, OutcomeInterval, User; from droplets.models import Action; "
        "NOW = timezone.now(); LATER = NOW + timedelta(hours=1); "
        f"user = User.objects.get(email={email!r}); rows = Connection.objects.filter(account__user=user); {code}",
    )


@pytest.fixture
def desk(arrive: Arrive, conveyor: Conveyor, request: pytest.FixtureRequest) -> Arrivals:
    """An agent, a customer with the team Northwind, and the customer's address."""
    name = re.sub(r"[^a-z]+", "-", request.node.name.removeprefix("test_")).strip("-")
    customer = arrive()
    customer.sign_up(f"{name}@example.com")
    customer.connect("Northwind")
    customer.go("/droplets/")
    return Agent(arrive(), conveyor, f"agent-{name}@example.com"), customer, f"{name}@example.com"


def test_the_acts_and_the_view(desk: Arrivals) -> None:
    agent, customer, email = desk
    agent.begin()
    agent.find(email)
    assert agent.sees("Actions", "View as this user", "Revoke everything", "2 not possible now")
    judge(agent.visitor)
    agent.follow("Disconnect and revoke Northwind")
    judge(agent.visitor)
    agent.page.get_by_role("link", name="Cancel").click()
    agent.follow("View as this user")
    judge(agent.visitor)
    agent.confirm("View as this user")

    assert agent.visitor.path == "/droplets/"
    assert agent.visitor.sees(f"You see Conveyor as {email}, until", "Nothing can be changed.")
    judge(agent.visitor)
    agent.visitor.may_answer.add(403)
    agent.visitor.go("/accounts/2fa/")
    assert agent.visitor.sees("Not while you view Conveyor as a user")
    judge(agent.visitor)
    with agent.page.expect_navigation():
        agent.page.get_by_role("button", name="End", exact=True).click()

    assert agent.visitor.path.startswith("/admin/people/")
    customer.go("/account/history/")
    assert customer.sees("Support viewed as the user")


VARIANTS = {
    "reconnect": ("rows.update(state='needs_reconnect', last_error='invalid_grant')", "Reconnect needed"),
    "key": ("SocialToken.objects.filter(connection__in=rows).update(token='lost')", "Reconnect needed"),
    "limited": (
        "rows.update(reading_outcome='rate_limited', reading_generation=F('generation'), reading_retry_at=LATER)",
        "Rate limited",
    ),
    "failing": (
        "rows.update(reading_outcome='unavailable', reading_generation=F('generation'), reading_since=NOW)",
        "Failing",
    ),
    "refresh": ("rows.update(last_error='unavailable', failures=3, retry_at=LATER)", "Retrying"),
    "incomplete": (
        "rows.update(reading_outcome='incomplete', reading_generation=F('generation'))",
        "List not complete",
    ),
    "deactivated": ("User.objects.filter(pk=user.pk).update(is_active=False)", "Deactivated"),
    "unconfirmed": ("EmailAddress.objects.filter(user=user).update(verified=False)", "Not confirmed"),
}
"""Why somebody sees no droplets: what makes it so, and what the desk says."""

_CURES = {
    "reconnect": ("Ask the owner to reconnect", "Northwind", "The owner was asked by email to reconnect the team."),
    "failing": ("Test the connection", "Northwind", "The test passed: DigitalOcean accepted the token"),
    "refresh": ("Refresh the token", "Northwind", "The token was refreshed."),
    "deactivated": ("Reactivate", "", "The account is active again."),
    "unconfirmed": ("Resend the confirmation email", "", "The confirmation email was sent again."),
}
"""The others need their owner, or only time: the answer is on the page."""


REBOOT = (
    "Action.objects.create(user=user, key=uuid4(), connection_id=rows[0].pk, team_uuid=rows[0].team_uuid, "
    "team_name='Northwind', droplet_id=4711, droplet_name='db-of-the-ticket', kind='reboot', status='errored', "
    "words='DigitalOcean has no record of it.', request_id='request-of-the-ticket', sent_at=NOW)"
)


@pytest.mark.parametrize("variant", VARIANTS)
def test_i_cannot_see_my_droplets(desk: Arrivals, conveyor: Conveyor, variant: str) -> None:
    agent, _, email = desk
    cause, label = VARIANTS[variant]
    change(conveyor, email, cause)

    agent.begin()
    agent.find(email)
    assert agent.sees(label)
    if variant in _CURES:
        act, team, result = _CURES[variant]
        agent.act(act, team=team)
        assert agent.sees(result)


def test_i_pressed_reboot_and_nothing_happened(desk: Arrivals, conveyor: Conveyor) -> None:
    """The person's page says how it ended."""
    agent, _, email = desk
    change(conveyor, email, REBOOT)
    agent.begin()
    agent.find(email)

    assert agent.sees("db-of-the-ticket, Northwind", "DigitalOcean has no record of it.", "request-of-the-ticket")


def test_who_rebooted_it(desk: Arrivals, conveyor: Conveyor) -> None:
    """The droplet's name leads to whoever acted on it."""
    agent, _, email = desk
    change(conveyor, email, REBOOT.replace("of-the-ticket", "of-who"))
    agent.begin()
    agent.find("db-of-who")

    assert agent.visitor.path.startswith("/admin/people/")
    assert agent.sees(email, "db-of-who, Northwind", "this person")


def test_i_lost_my_phone(desk: Arrivals, conveyor: Conveyor) -> None:
    agent, _, email = desk
    change(conveyor, email, "Authenticator.objects.create(user=user, type='totp', data={})")
    agent.begin()
    agent.find(email)
    agent.act("Reset the second factor")

    assert agent.sees("The request has your approval. A second staff member must approve it")


def test_your_email_never_came(desk: Arrivals, conveyor: Conveyor) -> None:
    agent, _, email = desk
    change(
        conveyor,
        email,
        "EmailAddress.objects.filter(user=user).update(verified=False); "
        "Event.objects.filter(user=user, kind='email').update(outcome='failed')",
    )
    agent.begin()
    agent.find(email)
    assert agent.sees("Emails sent", "Failed")
    agent.act("Resend the confirmation email")

    assert agent.sees("The confirmation email was sent again.")


def test_delete_my_data(desk: Arrivals, digitalocean: Sandbox) -> None:
    agent, customer, email = desk
    agent.begin()
    agent.find(email)
    agent.act("Delete the account")

    assert agent.sees(f"The account {email} was deleted. DigitalOcean has revoked the access.")
    assert not digitalocean.live_grants()
    customer.go("/droplets/")
    assert customer.path == "/accounts/login/"


def test_export_my_data(desk: Arrivals) -> None:
    agent, _, email = desk
    agent.begin()
    agent.find(email)
    agent.follow("Export the data")
    agent.page.get_by_label("Reason", exact=True).fill("The customer asked for a copy")
    with agent.page.expect_download() as download:
        agent.page.get_by_role("main").get_by_role("button", name="Export the data", exact=True).click()

    assert agent.clicks + 1 <= MOST_CLICKS
    with ZipFile(download.value.path()) as archive:
        assert email in archive.read("account.json").decode()


def test_my_token_leaked(desk: Arrivals, digitalocean: Sandbox) -> None:
    agent, customer, email = desk
    agent.begin()
    agent.find(email)
    agent.act("Revoke everything")

    assert agent.sees("1 session ended. DigitalOcean has revoked the access.", "Reconnect needed")
    assert not digitalocean.live_grants()
    customer.go("/droplets/")
    assert customer.path == "/accounts/login/"


def test_a_team_shows_twice(desk: Arrivals, conveyor: Conveyor) -> None:
    """Two DigitalOcean log-ins of one team: the desk shows both log-ins, and ends one of them."""
    agent, customer, email = desk
    customer.connect("Acme Web")
    change(
        conveyor,
        email,
        "same = rows.get(team_name='Northwind').team_uuid; "
        "rows.filter(team_name='Acme Web').update(team_name='Northwind (2)', team_uuid=same)",
    )
    agent.begin()
    agent.find(email)
    assert agent.sees("Northwind (2)")
    agent.act("Disconnect and revoke", team="Northwind (2)")

    assert agent.sees("Northwind (2) was disconnected. DigitalOcean has revoked the access.")


def test_digitalocean_was_down_last_night(desk: Arrivals, conveyor: Conveyor) -> None:
    agent, _, email = desk
    change(
        conveyor,
        email,
        "OutcomeInterval.objects.create(user=user, connection_id=rows[0].pk, team_name='Northwind', team_uuid='', "
        "kind='reading', outcome='unavailable', request_id='request-of-the-night', "
        "started_at=NOW - timedelta(hours=9), last_at=NOW - timedelta(hours=8), ended_at=NOW - timedelta(hours=8))",
    )
    agent.begin()
    agent.follow("Incident: who was affected, from one moment to another")

    assert agent.sees(email, "Northwind", "request-of-the-night", "recovered")
    judge(agent.visitor)


_LIST = "from accounts.models import User; print(*(f'{user.pk} {user.email}' for user in User.objects.all()))"

FORBIDDEN = (
    "/admin/auth/group/",
    "/admin/auth/group/add/",
    "/admin/accounts/user/add/",
    "/admin/accounts/event/add/",
)


def test_what_support_must_not_do(desk: Arrivals, conveyor: Conveyor) -> None:
    agent, _, _ = desk
    conveyor.make_staff("root-of-the-desk@example.com", "another long password")
    listed = conveyor.manage("shell", "--verbosity", "0", "-c", _LIST).split()
    root = listed[listed.index("root-of-the-desk@example.com") - 1]
    own = listed[listed.index("agent-what-support-must-not-do@example.com") - 1]
    paths = [*FORBIDDEN, f"/admin/people/{root}/"]
    paths += [f"/admin/people/{pk}/acts/{act}/" for pk in (root, own) for act in ("deactivate", "delete", "view_as")]
    agent.visitor.may_answer.add(403)
    for path in paths:
        answer = agent.page.goto(path)
        assert answer is not None
        assert answer.status == 403, path
    judge(agent.visitor)
