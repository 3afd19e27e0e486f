"""An open page stays fresh by itself, and takes nothing out of anybody's hands while it does."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import Arrive
from tests.browser.visitor import Visitor
from tests.support.sandbox import Sandbox

LISTING = "/v2/droplets$"
HIDE = "Object.defineProperty(document, 'hidden', {get: () => window.isHidden === true, configurable: true})"


def with_slow_team(visitor: Visitor, digitalocean: Sandbox, email: str) -> Visitor:
    """On the fleet's page while one of two teams takes longer than the page waits."""
    visitor.sign_up(email)
    visitor.connect("Acme Web")
    digitalocean.fault("delay", path=LISTING, team="Northwind", seconds=6, times=2)
    visitor.go("/accounts/3rdparty/")
    visitor.connect("Northwind")
    visitor.go("/droplets/")
    return visitor


def test_a_slow_teams_part_follows_by_itself(visitor: Visitor, digitalocean: Sandbox) -> None:
    visitor.page.add_init_script("addEventListener('load', () => { window.isTheSamePage = true; })")
    with_slow_team(visitor, digitalocean, "live-slow@example.com")
    page = visitor.page
    expect(page.locator(".trouble")).to_have_count(1)
    visitor.sees("Northwind: DigitalOcean answers slowly. This team's droplets are still loading.")
    before = len(visitor.droplets())
    page.locator("#q").focus()
    page.locator("#save-view summary").click()
    page.get_by_label("Name of the view").fill("half a na")
    page.evaluate(
        "getSelection().selectAllChildren(document.querySelector('tbody th.fleet-name bdi')); scrollTo(0, 200);"
        "window.row = document.querySelector('tbody th.fleet-name bdi')"
    )
    chosen = page.evaluate("getSelection().toString()")

    expect(page.locator(".trouble")).to_have_count(0, timeout=15_000)

    assert len(visitor.droplets()) > before
    assert page.evaluate("window.isTheSamePage")
    assert page.evaluate("window.row.isConnected")
    assert page.evaluate("getSelection().toString()") == chosen
    assert 0 < page.evaluate("window.row.getBoundingClientRect().top") < 900  # where it can still be seen
    assert page.evaluate("scrollY") > 0
    expect(page.get_by_label("Name of the view")).to_have_value("half a na")
    expect(page.locator("#save-view")).to_have_attribute("open", "")


def test_a_plain_reload_does_the_same_without_javascript(arrive: Arrive, digitalocean: Sandbox) -> None:
    visitor = with_slow_team(arrive(javascript=False), digitalocean, "live-reload@example.com")
    visitor.sees("Northwind: DigitalOcean answers slowly")
    before = len(visitor.droplets())

    visitor.page.reload()  # waits for what is still under way

    assert len(visitor.droplets()) > before


def test_a_page_that_nobody_looks_at_asks_nothing(visitor: Visitor, digitalocean: Sandbox) -> None:
    visitor.page.add_init_script(HIDE + "; window.isHidden = true")
    visitor.page.clock.install()
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url) if "edition=" in request.url else None)
    with_slow_team(visitor, digitalocean, "live-hidden@example.com")
    page = visitor.page
    visitor.sees("Northwind: DigitalOcean answers slowly")
    page.clock.run_for(600_000)  # milliseconds in which it would have asked
    assert asked == []

    page.clock.resume()
    page.evaluate("window.isHidden = false; document.dispatchEvent(new Event('visibilitychange'))")

    expect(page.locator(".trouble")).to_have_count(0, timeout=15_000)
    assert asked


def test_a_page_whose_session_has_ended_leads_to_the_log_in(visitor: Visitor) -> None:
    visitor.sign_up("live-ended@example.com")
    visitor.connect("Acme Web")
    visitor.go("/droplets/")
    visitor.page.context.clear_cookies()

    visitor.page.locator("#q").fill("web")

    visitor.page.wait_for_url("**/accounts/login/?next=/droplets/")
