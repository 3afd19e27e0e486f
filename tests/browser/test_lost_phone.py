"""The whole road of a lost phone: the user asks, two staff members approve, the user finishes. Emails go into files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser

from tests.browser.server import Conveyor
from tests.browser.test_pages import look_at
from tests.browser.visitor import PASSWORD, Visitor
from tests.support import totp
from tests.support.sandbox import Sandbox

LOST_PHONE = "/accounts/lost-phone/"
ADMIN = "/admin/accounts/secondfactorreset/"
REASON = "Called back on the number in the contract"
END_WAITING_TIME = (
    "from django.utils import timezone; from accounts.models import SecondFactorReset; "
    "SecondFactorReset.objects.update(effective_at=timezone.now())"
)


@pytest.fixture
def mails(tmp_path: Path) -> Path:
    return tmp_path / "mails"


@pytest.fixture
def conveyor(digitalocean_process: Sandbox, tmp_path: Path, mails: Path) -> Iterator[Conveyor]:
    """A Conveyor of this test alone: it can send emails."""
    directory = tmp_path / "lost_phone"
    directory.mkdir()
    conveyor = Conveyor(directory, digitalocean_process, EMAIL_URL=f"filemail:///{mails}")
    try:
        conveyor.set_up()
        conveyor.start()
        yield conveyor
    finally:
        conveyor.stop()
        conveyor.database.drop()


@pytest.fixture
def arrive(browser: Browser, conveyor: Conveyor) -> Iterator[Callable[[], Visitor]]:
    visitors: list[Visitor] = []

    def come() -> Visitor:
        visitors.append(Visitor(browser, conveyor.url))
        return visitors[-1]

    yield come
    for visitor in visitors:
        visitor.close()
    assert [complaint for visitor in visitors for complaint in visitor.complaints] == []


def newest_link(mails: Path, containing: str) -> str:
    """The path of the newest link with `containing` in it."""
    for file in sorted(mails.iterdir(), key=lambda file: file.stat().st_mtime_ns, reverse=True):
        for url in re.findall(r"https?://\S+", file.read_text()):
            if containing in url:
                return urlsplit(url).path
    raise LookupError(containing)


def turn_on(visitor: Visitor) -> None:
    """Turn on two-factor authentication, starting where it asks for the password."""
    visitor.fill(Your_password=PASSWORD)
    visitor.press("Confirm")
    visitor.fill(Code_from_the_app=totp.code(visitor.page.get_by_label("Key", exact=True).input_value()))
    visitor.press("Turn on")


def admitted(staff: Visitor, conveyor: Conveyor, email: str) -> Visitor:
    """A staff member in the admin's list of requests."""
    conveyor.make_staff(email, PASSWORD)
    staff.go(ADMIN)
    staff.log_in(email)
    staff.follow("Turn on")
    turn_on(staff)
    staff.go(ADMIN)
    return staff


def test_the_whole_road(arrive: Callable[[], Visitor], conveyor: Conveyor, mails: Path) -> None:
    user, one, two = arrive(), arrive(), arrive()
    user.sign_up("loser@example.com")
    user.go(newest_link(mails, "confirm-email"))
    user.press("Confirm this address")
    user.go("/accounts/2fa/totp/activate/")
    turn_on(user)
    user.log_out()

    user.go("/accounts/login/")
    user.log_in("loser@example.com")
    user.follow("I lost my phone")
    look_at(user, LOST_PHONE)
    user.press("Ask support")
    assert user.sees("is waiting for support")
    look_at(user, LOST_PHONE)

    admitted(one, conveyor, "one@example.com").follow("loser@example.com")
    one.fill(**{"How do you know that it is the user who asks?": REASON})
    one.press("Give the first approval")
    assert one.sees("Done. The user was sent an email.", "Needs a second approval")
    admitted(two, conveyor, "two@example.com").follow("loser@example.com")
    assert two.sees(REASON)
    two.press("Give the second approval")
    assert two.sees("Done. The user was sent an email.", "Approved")

    look_at(user, LOST_PHONE)
    assert user.sees("Support has approved your request. You can turn off two-factor authentication from")
    conveyor.manage("shell", "-c", END_WAITING_TIME)
    user.go(newest_link(mails, "/finish/"))
    look_at(user, LOST_PHONE)
    look_at(user, newest_link(mails, "/stop/"))
    user.go(LOST_PHONE)
    user.press("Turn off two-factor authentication")

    assert user.path == "/accounts/2fa/"
    assert user.sees("Two-factor authentication is off. Turn it on with your new phone.")
    look_at(user, "/accounts/2fa/")
    assert (
        "Two-factor authentication was turned off"
        in max(mails.iterdir(), key=lambda file: file.stat().st_mtime_ns).read_text()
    )
    stranger = arrive()
    look_at(stranger, newest_link(mails, "/stop/"))
    assert stranger.sees("No request is open", "Change your password")
    assert not {newest_link(mails, name).split("/")[-2] in conveyor.log for name in ("/stop/", "/finish/")} - {False}
