"""A member of the Support group at the desk, whose clicks are counted."""

from __future__ import annotations

from tests.browser.server import Conveyor
from tests.browser.visitor import PASSWORD, Visitor
from tests.support import totp

MOST_CLICKS = 5

_MAKE = (
    "from django.contrib.auth.models import Group; from accounts.models import User; "
    "from allauth.account.models import EmailAddress; "
    "user = User.objects.create_user({email!r}, {password!r}, is_staff=True); "
    "user.groups.add(Group.objects.get(name='Support')); "
    "EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)"
)

REASON = "The customer wrote and asked for it"


class Agent:
    """Each ticket begins at `/admin/`. `clicks` counts the buttons and links that were pressed since then."""

    def __init__(self, visitor: Visitor, conveyor: Conveyor, email: str) -> None:
        self.visitor = visitor
        self.page = visitor.page
        self.clicks = 0
        conveyor.manage("shell", "--verbosity", "0", "-c", _MAKE.format(email=email, password=PASSWORD))
        visitor.go("/admin/")
        visitor.log_in(email)
        visitor.follow("Turn on")
        visitor.fill(Your_password=PASSWORD)
        visitor.press("Confirm")
        secret = visitor.page.get_by_label("Key", exact=True).input_value()
        visitor.totp_secrets.add(secret)
        visitor.fill(Code_from_the_app=totp.code(secret))
        visitor.press("Turn on")

    def begin(self) -> None:
        """A new ticket."""
        self.visitor.go("/admin/")
        self.clicks = 0

    def find(self, words: str) -> None:
        """Search in the header of the desk. One hit alone is opened."""
        search = self.page.get_by_role("search")
        search.get_by_role("searchbox").fill(words)
        self._click(lambda: search.get_by_role("button").click())

    def follow(self, name: str) -> None:
        """Follow a link of the page."""
        self._click(lambda: self.page.get_by_role("main").get_by_role("link", name=name, exact=True).first.click())

    def confirm(self, label: str, reason: str = REASON) -> None:
        """Type the reason and press the button."""
        self.page.get_by_label("Reason", exact=True).fill(reason)
        self._click(lambda: self.page.get_by_role("main").get_by_role("button", name=label, exact=True).click())

    def act(self, label: str, *, team: str = "") -> None:
        """Open an act on the person's page, and confirm it."""
        self.follow(f"{label} {team}".strip())
        self.confirm(label)

    def sees(self, *texts: str) -> bool:
        """Whether the page says all of these, reached with at most five clicks."""
        assert self.clicks <= MOST_CLICKS, f"{self.clicks} clicks"
        return self.visitor.sees(*texts)

    def _click(self, click: object) -> None:
        with self.page.expect_navigation():
            click()  # type: ignore[operator]  # a function
        self.clicks += 1
