"""Finding in the fleet in a real browser: in place, by keyboard, and without JavaScript."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import Arrive
from tests.browser.visitor import NARROW, Visitor
from tests.support.sandbox import Sandbox

NAMES = ("web-1", "web-2", "db-1")


def with_fleet(visitor: Visitor, digitalocean: Sandbox, email: str) -> Visitor:
    """On the fleet's page of a team of three."""
    digitalocean.droplets("Acme Web", count=3)
    patches = [
        {
            "index": index,
            "set": {
                "name": name,
                "status": "off" if name == "web-2" else "active",
                "tags": [name[:2]],
                "/image/name": "24.04 (LTS) x64",  # a world of another seed has images called "web", which is found too
            },
        }
        for index, name in enumerate(NAMES)
    ]
    digitalocean.droplets("Acme Web", patch=patches)
    visitor.sign_up(email)
    visitor.connect("Acme Web")
    visitor.go("/droplets/")
    return visitor


def test_finding_changes_the_page_in_place(visitor: Visitor, digitalocean: Sandbox) -> None:
    with_fleet(visitor, digitalocean, "finding-finds@example.com")
    page = visitor.page
    page.evaluate("window.isTheSamePage = true")

    page.keyboard.press("/")
    page.keyboard.type("web")
    expect(page.locator("tbody th.fleet-name a")).to_have_text(["web-1", "web-2"])
    expect(page.locator("#q")).to_be_focused()
    expect(page).to_have_url(f"{visitor.url}/droplets/?q=web")

    page.get_by_label("Off", exact=False).first.check()
    expect(page.locator("tbody th.fleet-name a")).to_have_text(["web-2"])
    expect(page).to_have_url(f"{visitor.url}/droplets/?q=web&status=off")
    visitor.sees("1 of 3 droplets", "Status: Off")

    page.get_by_role("link", name="Clear", exact=True).click()
    expect(page.locator("tbody th.fleet-name a")).to_have_text(["db-1", "web-1", "web-2"])
    expect(page.locator("#q")).to_have_value("")

    page.get_by_role("link", name="Name").click()
    expect(page.locator("tbody th.fleet-name a")).to_have_text(["web-2", "web-1", "db-1"])
    expect(page.get_by_role("columnheader", name="Name")).to_have_attribute("aria-sort", "descending")
    assert page.evaluate("window.isTheSamePage")

    page.go_back()
    expect(page.locator("tbody th.fleet-name a")).to_have_text(["db-1", "web-1", "web-2"])
    page.go_back()
    expect(page.locator("tbody th.fleet-name a")).to_have_text(["web-2"])
    assert page.evaluate("Object.keys(sessionStorage).filter(key => key.includes('cache'))") == []


def test_nothing_found_offers_everything(visitor: Visitor, digitalocean: Sandbox) -> None:
    with_fleet(visitor, digitalocean, "finding-nothing@example.com")

    visitor.page.locator("#q").fill("zzz")
    visitor.page.get_by_role("link", name="Show all 3").click()

    expect(visitor.page.locator("tbody th.fleet-name a")).to_have_count(3)


def test_it_all_works_without_javascript(arrive: Arrive, digitalocean: Sandbox) -> None:
    visitor = with_fleet(arrive(javascript=False), digitalocean, "finding-plain@example.com")

    visitor.page.locator("#q").fill("web")
    visitor.page.locator("input[name=status][value=off]").check()
    visitor.press("Apply")

    assert visitor.droplets() == ["web-2"]
    assert visitor.page.url == f"{visitor.url}/droplets/?q=web&sort=name&status=off"
    assert visitor.page.locator(".copy:visible").count() == 0
    visitor.page.locator("#save-view summary").click()
    visitor.page.get_by_label("Name of the view").fill("Off web")
    visitor.press("Save")
    visitor.sees("Saved the view “Off web”.")
    visitor.go("/droplets/")
    visitor.follow("Off web")
    assert visitor.droplets() == ["web-2"]


def test_a_saved_view_is_kept_and_deleted(visitor: Visitor, digitalocean: Sandbox) -> None:
    with_fleet(visitor, digitalocean, "finding-saves@example.com")
    page = visitor.page
    page.locator("#q").fill("db-")
    expect(page.locator("tbody th.fleet-name a")).to_have_text(["db-1"])

    page.locator("#save-view summary").click()
    page.get_by_label("Name of the view").fill("Databases")
    visitor.press("Save")

    visitor.sees("Saved the view “Databases”.")
    expect(page.get_by_role("link", name="Databases")).to_have_attribute("aria-current", "page")
    visitor.press("Delete the view Databases")
    visitor.sees("Deleted the view “Databases”.")


def test_an_address_is_copied(visitor: Visitor, digitalocean: Sandbox) -> None:
    with_fleet(visitor, digitalocean, "finding-copies@example.com")
    page = visitor.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    address = page.locator("td.fleet-address bdi.mono").first.inner_text()

    page.locator("tbody tr").first.hover()
    page.locator("td.fleet-address .copy").first.click()

    expect(page.get_by_role("status").filter(has_text="Copied")).to_be_attached()
    assert page.evaluate("navigator.clipboard.readText()") == address


def test_narrow_pages_fold_their_filters(visitor: Visitor, digitalocean: Sandbox) -> None:
    with_fleet(visitor, digitalocean, "finding-narrow@example.com")
    page = visitor.page
    page.set_viewport_size(NARROW)
    visitor.go("/droplets/")
    off = page.locator("input[name=status][value=off]")
    expect(off).to_be_hidden()

    page.locator("#facets > summary").click()
    off.check()

    expect(page.locator("tbody th.fleet-name a")).to_have_text(["web-2"])
    expect(off).to_be_visible()
    assert not visitor.scrolls_sideways()
