"""Acting on a droplet in a real browser: asked for, pressed once, followed live until it is done."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Arrive
from tests.browser.test_pages import look_at
from tests.browser.visitor import Visitor
from tests.support.sandbox import Sandbox

DROPLET = 4711


def arrive_at(visitor: Visitor, digitalocean: Sandbox, email: str, *, may_act: bool = True) -> str:
    """Somebody before the page of a running droplet; its address."""
    fields = {"id": DROPLET, "name": "db-primary", "status": "active", "locked": False, "features": ["monitoring"]}
    digitalocean.droplets("Acme Web", patch=[{"index": 0, "set": fields}])
    visitor.sign_up(email)
    visitor.connect("Acme Web")
    address = visitor.page.locator("th.fleet-name a[title=db-primary]").get_attribute("href") or ""
    if may_act:
        allow(visitor, address)
    visitor.go(address)
    return address


def allow(visitor: Visitor, address: str) -> None:
    visitor.go(f"{address}actions/reboot/")
    visitor.press("Allow acting in Acme Web")
    visitor.consent("Acme Web")
    assert visitor.path == f"{address}actions/reboot/"


def choose(visitor: Visitor, action: str) -> None:
    visitor.page.locator("details.acts > summary").click()
    visitor.follow(action)


def test_from_reading_to_a_reboot_that_is_done(visitor: Visitor, digitalocean: Sandbox) -> None:
    address = arrive_at(visitor, digitalocean, "reboots@example.com", may_act=False)
    digitalocean.settings(action_seconds=600)

    visitor.page.locator("details.acts > summary").click()
    visitor.follow("Reboot Needs more access.")
    visitor.press("Allow acting in Acme Web")
    visitor.consent("Acme Web")
    assert visitor.sees("You can now change droplets of Acme Web.", "Reboot db-primary?")
    visitor.press("Reboot db-primary")
    assert visitor.path == address
    assert visitor.sees("Rebooting", "In progress", "Locked by an action")

    digitalocean.forward(2000)

    expect(visitor.page.locator("#progress")).to_contain_text("Rebooted")  # by itself
    expect(visitor.page.get_by_text("Locked by an action")).to_have_count(0)
    assert len(digitalocean.actions(DROPLET)) == 1
    with visitor.page.expect_navigation():
        visitor.page.get_by_role("link", name="Activity", exact=True).last.click()  # the droplet's, not the header's
    assert visitor.sees("Rebooted", "You", "Done", "Request id")


def test_a_double_click_is_one_action(visitor: Visitor, digitalocean: Sandbox) -> None:
    address = arrive_at(visitor, digitalocean, "twice-clicks@example.com")
    digitalocean.settings(latency_ms=200)
    visitor.go(f"{address}actions/reboot/")

    visitor.page.get_by_role("button", name="Reboot db-primary", exact=True).dblclick()

    visitor.page.wait_for_url(f"**{address}")
    assert len(digitalocean.actions(DROPLET)) == 1


def test_destroying_wants_the_name(visitor: Visitor, digitalocean: Sandbox) -> None:
    arrive_at(visitor, digitalocean, "destroys@example.com")
    visitor.may_answer.add(422)
    choose(visitor, "Destroy")

    visitor.page.get_by_label("Type “db-primary” to confirm").fill("db-replica")
    visitor.press("Destroy db-primary")
    assert visitor.sees("This is not the droplet's name.")
    assert not digitalocean.actions(DROPLET)
    visitor.page.get_by_label("Type “db-primary” to confirm").fill("db-primary")
    visitor.press("Destroy db-primary")

    assert visitor.path == "/droplets/"
    assert visitor.sees("db-primary is destroyed.")
    assert len(digitalocean.actions(DROPLET)) == 1


def test_a_menu_closes_when_it_is_left(visitor: Visitor, digitalocean: Sandbox) -> None:
    arrive_at(visitor, digitalocean, "menus@example.com")
    panel = visitor.page.locator("details.acts .menu-panel")

    for leave in (lambda: visitor.page.keyboard.press("Escape"), lambda: visitor.page.locator("h1").click()):
        visitor.page.locator("details.acts > summary").click()
        expect(panel).to_be_visible()
        leave()
        expect(panel).to_be_hidden()


def test_without_javascript_everything_is_there(arrive: Arrive, digitalocean: Sandbox) -> None:
    visitor = arrive(javascript=False)
    address = arrive_at(visitor, digitalocean, "plain@example.com")

    choose(visitor, "Take a snapshot")
    visitor.page.get_by_label("Name of the snapshot").fill("before upgrade")
    visitor.press("Take a snapshot of db-primary")
    assert visitor.sees("Taking a snapshot", "“before upgrade”")
    digitalocean.forward(60)
    for _ in range(20):  # a page asks DigitalOcean every two seconds at the most
        visitor.follow("Reload")
        assert visitor.path == address
        if not visitor.page.get_by_role("link", name="Reload").count():
            break
        visitor.page.wait_for_timeout(500)  # milliseconds
    assert visitor.sees("Snapshot taken", "Done")


@pytest.mark.parametrize("status", ["active", "off"])
def test_its_pages_can_be_read_by_everybody(visitor: Visitor, digitalocean: Sandbox, status: str) -> None:
    address = arrive_at(visitor, digitalocean, f"reads-{status}@example.com", may_act=False)
    look_at(visitor, f"{address}actions/rename/")
    allow(visitor, address)
    digitalocean.droplets("Acme Web", patch=[{"index": 0, "set": {"status": status}}])
    visitor.may_answer.add(409)

    for kind in ("power_on", "rebuild", "resize", "snapshot", "enable_backups", "restore", "destroy"):
        look_at(visitor, f"{address}actions/{kind}/")
    look_at(visitor, f"{address}activity/")
    visitor.go(address)
    visitor.page.locator("details.acts > summary").click()
    assert not visitor.scrolls_sideways()


def test_its_menu_stays_on_the_page_whatever_the_name(visitor: Visitor, digitalocean: Sandbox) -> None:
    address = arrive_at(visitor, digitalocean, "narrow-menu@example.com", may_act=False)
    digitalocean.droplets("Acme Web", patch=[{"index": 0, "set": {"name": "api-03.prod.acme-web.example" * 3}}])
    for width in (320, 390, 640, 641, 1280):
        visitor.page.set_viewport_size({"width": width, "height": 844})
        visitor.go(address)

        visitor.page.locator("details.acts > summary").click()

        assert visitor.is_within_the_page(".acts .menu-panel"), width
        assert not visitor.scrolls_sideways()
