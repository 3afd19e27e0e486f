"""The fleet's page in people's hands: by keyboard, while an answer is on its way, at every width, with menus open."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import uuid4

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.visitor import Visitor
from tests.support.sandbox import Sandbox

WIDTHS = (1920, 1440, 1280, 1024, 1023, 820, 720, 640, 390)  # pixels


@pytest.fixture
def page(visitor: Visitor, digitalocean: Sandbox) -> Page:
    """The fleet of two teams, 60 droplets and more; pick-01 and pick-02 are the first team's."""
    names = ("pick-01", "pick-02", "db-primary.with.a.long.name.acme.example")
    digitalocean.droplets("Acme Web", count=60)
    patches = [
        {"index": index, "set": {"name": name, "status": "off" if name == "pick-02" else "active"}}
        for index, name in enumerate(names)
    ]
    digitalocean.droplets("Acme Web", patch=patches)
    visitor.sign_up(f"{uuid4().hex}@example.com")
    visitor.connect("Acme Web")
    visitor.connect("Side projects")
    visitor.go("/droplets/")
    return visitor.page


def names(page: Page) -> Locator:
    return page.locator("tbody th.fleet-name a")


# By keyboard


def test_a_slash_leads_to_the_search_and_escape_out_of_it(page: Page) -> None:
    search = page.get_by_label("Search the fleet")
    page.get_by_role("checkbox", name="Off").focus()
    page.keyboard.press("/")
    expect(search).to_be_focused()

    page.keyboard.type("pick-0/")
    expect(search).to_have_value("pick-0/")
    page.keyboard.press("Backspace")
    expect(names(page)).to_have_text(["pick-01", "pick-02"])
    expect(search).to_be_focused()
    expect(page.locator("#outcome")).to_contain_text("2 of ")

    page.keyboard.press("Escape")
    expect(search).to_have_value("")
    expect(names(page)).to_have_count(50)
    expect(search).to_be_focused()
    page.keyboard.press("Escape")
    expect(search).not_to_be_focused()


def test_a_slash_with_another_key_is_the_browsers(page: Page) -> None:
    page.keyboard.press("Control+/")
    page.keyboard.press("Alt+/")

    expect(page.get_by_label("Search the fleet")).not_to_be_focused()


def test_enter_searches_at_once(page: Page) -> None:
    page.keyboard.press("/")
    page.keyboard.type("pick-02")
    page.keyboard.press("Enter")

    expect(names(page)).to_have_text(["pick-02"])


def test_filters_are_ticked_and_taken_back_without_a_mouse(page: Page) -> None:
    for status in ("Off", "Active"):
        tick = page.get_by_role("checkbox", name=status)
        tick.focus()
        page.keyboard.press("Space")
        expect(page.locator(".chip", has_text=f"Status: {status}")).to_be_visible()
        expect(tick).to_be_focused()

    page.locator(".chip", has_text="Status: Active").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".chip")).to_have_text(["Status: Off ×, remove this filter"])
    expect(page.locator(".chip")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.locator(".chip")).to_have_count(0)
    expect(page.locator("#results")).to_be_focused()
    expect(page.get_by_role("checkbox", name="Off")).not_to_be_checked()


def test_what_is_pressed_as_soon_as_it_is_there_does_what_it_says(page: Page) -> None:
    for status in ("Off", "Active"):
        page.get_by_role("checkbox", name=status).check()
        expect(page.locator(".chip", has_text=f"Status: {status}")).to_be_visible()

    page.locator(".chip", has_text="Status: Active").focus()
    page.evaluate("""() => document.addEventListener("htmx:afterSwap", () => queueMicrotask(() => {
        document.querySelector(".chip").click();
    }), { once: true })""")
    page.keyboard.press("Enter")

    expect(page.locator(".chip")).to_have_count(0)
    expect(page).to_have_url(re.compile(r"/droplets/$"))


def test_escape_closes_a_menu_and_so_does_looking_elsewhere(page: Page) -> None:
    menu = page.locator("#export")
    summary = menu.locator("summary")
    summary.focus()
    page.keyboard.press("Enter")
    expect(menu).to_have_attribute("open", "")
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(menu).not_to_have_attribute("open", "")
    expect(summary).to_be_focused()

    summary.click()
    page.get_by_role("heading", name="Fleet").click()
    expect(menu).not_to_have_attribute("open", "")


def test_what_was_pressed_says_what_it_does_now(page: Page) -> None:
    page.get_by_role("link", name="Monthly").click()
    expect(page.get_by_role("columnheader", name="Monthly")).to_have_text("Monthly ↑")
    page.get_by_role("link", name="Next").click()

    expect(page).to_have_url(re.compile(r"/droplets/\?sort=monthly&page=2$"))
    expect(page.get_by_role("link", name="Previous")).to_have_text("Previous")
    assert page.locator("#results").bounding_box()["y"] < 100  # type: ignore[index]


# While an answer is on its way


def test_a_renewal_that_comes_late_undoes_no_filter(visitor: Visitor, page: Page, digitalocean: Sandbox) -> None:
    renewals: list[Route] = []
    searches: list[Route] = []
    page.route("**/droplets/?*edition=*", lambda route: renewals.append(route))
    page.route("**/droplets/?*status=off*", lambda route: searches.append(route))
    digitalocean.fault("delay", path="/v2/droplets$", team="Northwind", seconds=6, times=2)
    visitor.connect("Northwind")  # leads to a page without Northwind, which asks again at once
    off = page.get_by_role("checkbox", name="Off")
    deadline(page, lambda: bool(renewals))

    off.check()
    deadline(page, lambda: bool(searches))
    page.evaluate(
        "void (window.renewed = new Promise(done => document.addEventListener('htmx:afterRequest',"
        " event => event.detail.requestConfig.path.includes('edition=') && done())))"
    )
    renewals.pop().continue_()
    page.evaluate("window.renewed")
    expect(off).to_be_checked()
    searches.pop().continue_()

    expect(page.locator(".chip")).to_have_text(["Status: Off ×, remove this filter"])
    expect(off).to_be_checked()
    page.unroute_all()


def deadline(page: Page, happens: Callable[[], bool]) -> None:
    """Let the browser go on until this is so."""
    for _ in range(200):
        if happens():
            return
        page.wait_for_timeout(50)  # milliseconds
    raise AssertionError("it did not happen")


# At every width


def test_names_have_room_at_every_width(visitor: Visitor, page: Page) -> None:
    visitor.go("/droplets/?q=pick-0")

    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        name = names(page).first
        assert name.bounding_box()["width"] > 160, width  # type: ignore[index]
        assert name.evaluate("link => link.scrollWidth <= link.clientWidth"), width
        assert not visitor.scrolls_sideways(), width
        for fact in ("Acme Web", "Active"):
            assert page.locator("tbody tr").first.get_by_text(fact).locator("visible=true").count(), (width, fact)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_everybody_can_read_it_with_menus_open(visitor: Visitor, page: Page, width: int, scheme: str) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)
    visitor.go("/droplets/?status=active&q=web&tag=none-has-this")
    assert unreadable(page) == []
    visitor.go("/droplets/?status=active")
    for fold in page.locator("details").all():
        fold.evaluate("fold => { fold.open = true; }")

    assert unreadable(page) == []
    assert not visitor.scrolls_sideways()


def unreadable(page: Page) -> list[str]:
    """What axe finds serious."""
    found = Axe().run(page).response["violations"]
    return [
        f"{violation['id']}: {[node['html'] for node in violation['nodes']]}"
        for violation in found
        if violation["impact"] in ("serious", "critical")
    ]


def test_copying_works_without_the_clipboard_that_https_brings(page: Page) -> None:
    page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    addresses = page.locator("td.fleet-address bdi.mono").all_inner_texts()

    page.get_by_role("button", name="Copy addresses").click()

    expect(page.get_by_role("status").filter(has_text="Copied")).to_be_attached()
    page.get_by_label("Search the fleet").focus()
    page.keyboard.press("Control+V")
    expect(page.get_by_label("Search the fleet")).to_have_value(" ".join(addresses)[:255])


@pytest.mark.parametrize("menu", ["export", "save-view"])
def test_menus_stay_on_the_page(page: Page, visitor: Visitor, menu: str) -> None:
    for width in (320, 390, 640, 641):
        page.set_viewport_size({"width": width, "height": 844})
        visitor.go("/droplets/")

        page.locator(f"#{menu} > summary").click()

        assert visitor.is_within_the_page(f"#{menu} .menu-panel"), width
        assert not visitor.scrolls_sideways()
