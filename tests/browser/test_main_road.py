"""The main road: sign up, connect a team, see its droplets; then everything that happens to it."""

from __future__ import annotations

from tests.browser.conftest import Arrive
from tests.browser.server import Conveyor
from tests.browser.visitor import PASSWORD, Visitor
from tests.support import totp
from tests.support.sandbox import Sandbox


def test_two_teams_on_one_page_through_a_restart_and_an_expiry(
    visitor: Visitor, conveyor: Conveyor, digitalocean: Sandbox
) -> None:
    digitalocean.settings(token_lifetime=20)
    visitor.go("/")
    assert visitor.sees("Every droplet of every team, on one page", "Demo: this Conveyor uses its own sandbox")

    visitor.follow("Sign up")
    visitor.fill(Email="main@example.com", Password="correct horse battery staple")
    visitor.press("Sign up")
    assert visitor.sees("Check your email")
    visitor.confirm("main@example.com")
    assert visitor.path == "/droplets/"
    assert visitor.sees("No team connected yet")

    visitor.connect("Acme Web")
    visitor.go("/droplets/")
    acme = digitalocean.team("Acme Web")
    assert visitor.sees(f"{acme.droplets + acme.gpus} droplets in 1 team")
    assert len(visitor.droplets()) == acme.droplets + acme.gpus

    visitor.connect("Northwind")
    visitor.go("/droplets/")
    northwind = digitalocean.team("Northwind")
    both = acme.droplets + acme.gpus + northwind.droplets + northwind.gpus
    assert visitor.sees(f"{both} droplets in 2 teams", "Acme Web", "Northwind")

    conveyor.restart()
    visitor.go("/droplets/")
    assert visitor.sees(f"{both} droplets in 2 teams")

    assert digitalocean.expire() == 2
    digitalocean.reset_counters()
    conveyor.restart()
    for _ in range(5):
        visitor.go("/droplets/")
        assert visitor.sees(f"{both} droplets in 2 teams")
    refreshes = digitalocean.counters().refreshes
    assert sorted(refreshes.values()) == [1, 1]


def test_a_droplet_s_page(visitor: Visitor, digitalocean: Sandbox) -> None:
    visitor.sign_up("droplet@example.com")
    visitor.connect("Acme Web")
    visitor.go("/droplets/")
    name = visitor.droplets()[0]

    visitor.follow(name)

    assert visitor.page.get_by_role("heading", level=1).inner_text() == name
    assert visitor.sees("Acme Web", "vCPU", "Backups")
    visitor.follow("Fleet")
    assert visitor.path == "/droplets/"


def test_deny_connects_nothing(visitor: Visitor, digitalocean: Sandbox) -> None:
    visitor.sign_up("deny@example.com")

    visitor.press("Connect a team")
    visitor.press("Deny")

    assert visitor.sees("Nothing was connected")
    visitor.go("/droplets/")
    assert visitor.sees("No team connected yet")
    assert digitalocean.live_grants() == []


def test_sign_up_and_log_in_with_digitalocean(visitor: Visitor) -> None:
    visitor.go("/accounts/signup/")
    visitor.press("Continue with DigitalOcean")
    visitor.consent("Acme Web")
    visitor.confirm("ada@acme.example")
    visitor.go("/droplets/")
    assert visitor.sees("droplets in 1 team")

    visitor.log_out()
    visitor.go("/droplets/")
    assert visitor.path == "/accounts/login/"
    visitor.press("Continue with DigitalOcean")
    visitor.consent("Acme Web")
    visitor.go("/droplets/")
    assert visitor.sees("droplets in 1 team")


def test_who_begins_at_an_address_connects_a_team_at_base_url(visitor: Visitor) -> None:
    address = visitor.url.replace("localhost", "127.0.0.1")
    visitor.go(f"{address}/")
    visitor.follow("Sign up")
    assert visitor.page.url == f"{visitor.url}/accounts/signup/"
    visitor.fill(Email="other@example.com", Password=PASSWORD)
    visitor.press("Sign up")
    visitor.confirm("other@example.com")
    visitor.connect("Acme Web")
    visitor.go("/droplets/")
    assert visitor.sees("droplets in 1 team")


def test_who_is_logged_in_at_an_address_connects_a_team_at_base_url(visitor: Visitor) -> None:
    """A session there is from before the log-in moved to BASE_URL."""
    address = visitor.url.replace("localhost", "127.0.0.1")
    visitor.sign_up("session@example.com")
    context = visitor.page.context
    context.add_cookies([{**cookie, "domain": "127.0.0.1"} for cookie in context.cookies()])  # type: ignore[misc]
    visitor.go(f"{address}/droplets/")

    visitor.press("Connect a team")

    assert visitor.page.url == f"{visitor.url}/accounts/3rdparty/"
    visitor.connect("Acme Web")
    visitor.go("/droplets/")
    assert visitor.sees("droplets in 1 team")


def test_log_out_and_in_again(visitor: Visitor) -> None:
    visitor.sign_up("again@example.com")
    visitor.log_out()
    visitor.go("/droplets/")

    visitor.log_in("again@example.com")

    assert visitor.path == "/droplets/"


def test_disconnect_hands_the_access_back(visitor: Visitor, digitalocean: Sandbox) -> None:
    visitor.sign_up("leaves@example.com")
    visitor.connect("Acme Web")
    visitor.go("/accounts/3rdparty/")

    visitor.follow("Disconnect Acme Web")
    visitor.press("Disconnect Acme Web")

    visitor.go("/droplets/")
    assert visitor.sees("No team connected yet")
    assert digitalocean.live_grants() == []


def test_two_people_see_their_own(arrive: Arrive, digitalocean: Sandbox) -> None:
    ada, grace = arrive(), arrive()
    ada.sign_up("ada@example.com")
    ada.connect("Acme Web")
    ada.go("/droplets/")
    ada.follow(ada.droplets()[0])
    grace.sign_up("grace@example.com")

    grace.may_answer.add(404)
    grace.go(ada.path)

    assert grace.sees("This page does not exist, or it belongs to another account.")
    grace.go("/droplets/")
    assert grace.sees("No team connected yet")


def test_it_all_works_without_javascript(arrive: Arrive) -> None:
    visitor = arrive(javascript=False)
    visitor.sign_up("noscript@example.com")
    visitor.connect("Acme Web")
    visitor.go("/droplets/")
    assert visitor.sees("droplets in 1 team")
    visitor.follow(visitor.droplets()[0])
    visitor.log_out()
    assert visitor.path == "/"


def test_support_finds_the_person_in_the_admin_site(arrive: Arrive, conveyor: Conveyor) -> None:
    ada, staff = arrive(), arrive()
    ada.sign_up("ticket@example.com")
    ada.connect("Acme Web")
    conveyor.make_staff("staff@example.com", "correct horse battery staple")

    staff.go("/admin/")
    assert staff.path == "/accounts/login/"
    staff.log_in("staff@example.com")
    assert staff.path == "/accounts/2fa/"
    staff.follow("Turn on")
    staff.fill(Your_password="correct horse battery staple")
    staff.press("Confirm")
    assert staff.path == "/accounts/2fa/totp/activate/"
    secret = staff.page.get_by_label("Key", exact=True).input_value()
    staff.totp_secrets.add(secret)
    staff.fill(Code_from_the_app=totp.code(secret))
    staff.press("Turn on")
    staff.follow("open the admin")
    assert staff.path == "/admin/"
    staff.go("/admin/accounts/user/?q=ticket")
    staff.follow("ticket@example.com")

    assert staff.sees("Acme Web")
    for path in ("/admin/", "/admin/accounts/connection/", "/admin/socialaccount/socialaccount/"):
        staff.go(path)
