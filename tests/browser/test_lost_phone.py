"""The whole road of a lost phone: the user asks, two staff members approve, the user finishes. Emails go into files."""

import re
from pathlib import Path
from urllib.parse import urlsplit

from tests.browser.conftest import Arrive
from tests.browser.server import Conveyor
from tests.browser.test_pages import look_at
from tests.browser.visitor import PASSWORD, Visitor
from tests.support import totp

LOST_PHONE = "/accounts/lost-phone/"
ADMIN = "/admin/accounts/secondfactorreset/"
REASON = "Called back on the number in the contract"
END_WAITING_TIME = (
    "from django.utils import timezone; from accounts.models import SecondFactorReset; "
    "SecondFactorReset.objects.update(effective_at=timezone.now())"
)


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
    secret = visitor.page.get_by_label("Key", exact=True).input_value()
    visitor.totp_secrets.add(secret)
    visitor.fill(Code_from_the_app=totp.code(secret))
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


def test_the_whole_road(arrive: Arrive, conveyor: Conveyor) -> None:
    mails = conveyor.emails_directory
    user, one, two = arrive(), arrive(), arrive()
    user.sign_up("loser@example.com")
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
