"""Acting on many droplets in a browser: with JavaScript the pages are live, without it they work."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import Arrive
from tests.browser.server import Conveyor
from tests.browser.test_pages import look_at
from tests.browser.visitor import Visitor
from tests.support.sandbox import Sandbox

WORK = (
    "from droplets.jobs import advance; from droplets.models import Action, JobTeam; "
    "from django.utils import timezone; now = timezone.now(); "
    "JobTeam.objects.exclude(due_at=None).update(due_at=now); Action.objects.exclude(ask_at=None).update(ask_at=now); "
    "[advance.advance(part.job_id, part.connection_id) for part in list(advance.due())]"
)


def work(conveyor: Conveyor) -> None:
    """What a worker does."""
    conveyor.manage("shell", "-c", WORK)


def arrive_with_a_team(visitor: Visitor, digitalocean: Sandbox, email: str) -> None:
    digitalocean.droplets("Acme Web", count=3)
    fields = {"status": "active", "locked": False}
    digitalocean.droplets("Acme Web", patch=[{"index": at, "set": fields} for at in range(3)])
    visitor.sign_up(email)
    visitor.connect("Acme Web")
    visitor.go("/droplets/")


def test_a_job_from_ticking_to_its_end(visitor: Visitor, digitalocean: Sandbox, conveyor: Conveyor) -> None:
    arrive_with_a_team(visitor, digitalocean, "ticking@jobs.example")
    page = visitor.page
    page.locator(".tick").nth(0).check()
    page.get_by_label("All on this page").check()
    expect(page.locator("#ticked")).to_have_text("3 selected")
    page.locator(".tick").nth(1).uncheck()
    expect(page.locator("#ticked")).to_have_text("2 selected")
    page.get_by_label("Action", exact=True).select_option("reboot")
    visitor.press("Continue")
    assert visitor.sees("Its 2 droplets will be skipped unless you allow it")
    look_at(visitor, visitor.path)
    visitor.press("Allow acting in Acme Web")
    visitor.consent("Acme Web")
    visitor.press("Reboot 2 droplets")
    assert visitor.sees("0 of 2 ended", "Under way")
    look_at(visitor, visitor.path)

    work(conveyor)
    expect(page.locator(".job-counts")).to_have_text("2 under way")  # nobody has reloaded the page
    digitalocean.forward(60)
    work(conveyor)

    expect(page.locator(".job-progress")).to_have_text("2 of 2 ended")
    expect(page.locator("#jobs-link .count")).to_have_count(0)
    look_at(visitor, "/jobs/")


def reboot_all(visitor: Visitor) -> None:
    """Select what the search finds, get access on the way, and confirm."""
    visitor.page.get_by_label("Which droplets").select_option("found")
    visitor.page.get_by_label("Action", exact=True).select_option("reboot")
    visitor.press("Continue")
    visitor.press("Allow acting in Acme Web")
    visitor.consent("Acme Web")
    visitor.press("Reboot 3 droplets")


def test_an_open_page_tells_that_a_job_has_ended(visitor: Visitor, digitalocean: Sandbox, conveyor: Conveyor) -> None:
    arrive_with_a_team(visitor, digitalocean, "told@jobs.example")
    page = visitor.page
    reboot_all(visitor)
    visitor.go("/droplets/")
    expect(page.locator("#jobs-link .count")).to_have_text("1 under way")

    work(conveyor)
    digitalocean.forward(60)
    work(conveyor)

    expect(page.locator("#toasts")).to_contain_text("Reboot 3 droplets: 3 done.")
    expect(page.locator("#jobs-link .count")).to_have_count(0)


def test_without_javascript(arrive: Arrive, digitalocean: Sandbox, conveyor: Conveyor) -> None:
    visitor = arrive(javascript=False)
    arrive_with_a_team(visitor, digitalocean, "without@jobs.example")
    reboot_all(visitor)
    assert visitor.sees("0 of 3 ended")

    visitor.press("Cancel the 3 waiting")

    assert visitor.sees("Cancelled 3 droplets.", "3 of 3 ended")
