"""The header: links in a row where there is room, in a menu on a phone."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import Arrive
from tests.browser.visitor import NARROW, WIDE, Visitor

LINKS = ["Fleet", "Jobs", "Activity", "Watchers", "Connections"]


def test_on_a_phone_the_links_are_in_a_menu(visitor: Visitor) -> None:
    visitor.sign_up("phone@example.com")
    visitor.page.set_viewport_size(NARROW)
    visitor.go("/watchers/")
    main = visitor.page.get_by_role("navigation", name="Main")
    menu = visitor.page.locator(".site-menu > summary")
    expect(main.get_by_role("link")).to_have_count(0)

    menu.focus()
    visitor.page.keyboard.press("Enter")

    expect(main.get_by_role("link")).to_have_text(LINKS)
    expect(main.locator("[aria-current]:visible")).to_have_text("Watchers")
    for scheme in ("light", "dark"):
        visitor.page.emulate_media(color_scheme=scheme)
        assert Axe().run(visitor.page).response["violations"] == []
    visitor.page.keyboard.press("Escape")
    expect(main.get_by_role("link")).to_have_count(0)
    expect(menu).to_be_focused()
    menu.click()
    main.get_by_role("link", name="Activity").click()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Activity")


def test_where_there_is_room_there_is_no_menu(visitor: Visitor) -> None:
    visitor.sign_up("desk@example.com")
    visitor.page.set_viewport_size(WIDE)
    visitor.go("/activity/feed/")

    main = visitor.page.get_by_role("navigation", name="Main")

    expect(main.get_by_role("link")).to_have_text(LINKS)
    expect(main.locator("[aria-current]:visible")).to_have_text("Activity")
    expect(visitor.page.locator(".site-menu")).to_be_hidden()


def test_the_menu_works_without_javascript(arrive: Arrive) -> None:
    visitor = arrive(javascript=False)
    visitor.sign_up("phone-plain@example.com")
    visitor.page.set_viewport_size(NARROW)
    visitor.go("/watchers/")

    visitor.page.locator(".site-menu > summary").click()
    visitor.page.get_by_role("navigation", name="Main").get_by_role("link", name="Jobs").click()

    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Jobs")
