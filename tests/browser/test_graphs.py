"""A droplet's graphs: drawn from their tables, legible to everybody, live without taking anything away."""

from __future__ import annotations

import re
import time

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Arrive
from tests.browser.visitor import NARROW, Visitor
from tests.support.droplets import every
from tests.support.metrics import watched
from tests.support.sandbox import Sandbox

CHARTS = ("cpu", "load", "memory", "disk", "public", "private")
METRIC = "/v2/monitoring/metrics/droplet"
MINUTE = 61_000  # milliseconds, and a little
HIDE = "Object.defineProperty(document, 'hidden', {get: () => window.isHidden === true, configurable: true})"
INK = """canvas => {
    const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    let drawn = 0;
    for (let at = 3; at < pixels.length; at += 4) drawn += pixels[at] > 0;
    return drawn;
}"""


def to_graphs(visitor: Visitor, digitalocean: Sandbox, email: str, droplet: int | None = None) -> None:
    """On the graphs of a droplet with the agent, or of another."""
    if droplet is None:
        token = digitalocean.connect(team="Acme Web")["access_token"]
        droplet = watched(digitalocean, token)[0]["id"]
    visitor.sign_up(email)
    visitor.connect("Acme Web")
    visitor.go("/droplets/")
    link = visitor.page.locator("tbody th.fleet-name a").first.get_attribute("href") or ""
    visitor.go(re.sub(r"[0-9]+/$", f"{droplet}/", link))
    visitor.follow("Graphs")


def canvas(visitor: Visitor, key: str) -> Locator:
    return visitor.page.locator(f"#plot-{key} canvas")


def point_at(visitor: Visitor, key: str, share: float) -> None:
    """Hold the pointer over a chart, at a share of its width."""
    box = visitor.page.locator(f"#plot-{key} .u-over").bounding_box()
    assert box
    visitor.page.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] / 2)


def told(visitor: Visitor, key: str) -> list[str]:
    """The values of the legend."""
    return visitor.page.locator(f"#chart-{key} [data-column]").all_inner_texts()


def test_every_chart_is_drawn_and_its_table_folded(visitor: Visitor, digitalocean: Sandbox) -> None:
    to_graphs(visitor, digitalocean, "drawn@example.com")

    for key in CHARTS:
        expect(canvas(visitor, key)).to_have_count(1)
        assert canvas(visitor, key).evaluate(INK) > 500, key
        section = visitor.page.locator(f"#chart-{key}")
        expect(section.locator("table")).to_be_hidden()
        section.locator("summary").click()
        expect(section.locator("table")).to_be_visible()
    assert not visitor.scrolls_sideways()


def test_a_pointer_reads_all_charts_at_its_moment(visitor: Visitor, digitalocean: Sandbox) -> None:
    to_graphs(visitor, digitalocean, "points@example.com")
    now = told(visitor, "load")

    point_at(visitor, "cpu", 0.5)

    moment = visitor.page.locator("#chart-load .chart-moment")
    expect(moment).not_to_be_empty()
    row = visitor.page.locator("#chart-load tbody tr", has=visitor.page.get_by_text(moment.inner_text(), exact=True))
    assert told(visitor, "load") == row.locator("td").all_text_contents()
    visitor.page.mouse.move(5, 5)
    expect(moment).to_be_empty()
    assert told(visitor, "load") == now


def test_times_are_the_readers(visitor: Visitor, digitalocean: Sandbox) -> None:
    zone = visitor.page.context.new_cdp_session(visitor.page)
    zone.send("Emulation.setTimezoneOverride", {"timezoneId": "Asia/Kathmandu"})  # 5:45 ahead of UTC

    to_graphs(visitor, digitalocean, "zone@example.com")

    assert visitor.sees("Times are in Asia/Kat")
    newest = visitor.page.locator("#chart-load tbody time").first
    at = time.strptime(newest.get_attribute("datetime") or "", "%Y-%m-%dT%H:%M:%SZ")
    minutes = (at.tm_hour * 60 + at.tm_min + 5 * 60 + 45) % (24 * 60)
    assert (newest.text_content() or "").endswith(f", {minutes // 60:02}:{minutes % 60:02}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_anybody_can_read_them(visitor: Visitor, digitalocean: Sandbox, scheme: str) -> None:
    to_graphs(visitor, digitalocean, f"{scheme}@example.com")
    before = canvas(visitor, "cpu").evaluate("canvas => canvas.toDataURL()")
    visitor.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    visitor.page.locator("#chart-cpu summary").click()

    found = [
        (violation["id"], [node["html"] for node in violation["nodes"]])
        for violation in Axe().run(visitor.page).response["violations"]
        if violation["impact"] in ("moderate", "serious", "critical")
    ]

    assert found == []
    is_the_same = canvas(visitor, "cpu").evaluate("canvas => canvas.toDataURL()") == before
    assert is_the_same == (scheme == "light")  # drawn anew, in the colours of the dark


def test_on_a_narrow_screen_they_fit(visitor: Visitor, digitalocean: Sandbox) -> None:
    to_graphs(visitor, digitalocean, "narrow@example.com")

    visitor.page.set_viewport_size(NARROW)

    for key in CHARTS:
        expect(canvas(visitor, key)).to_have_js_property("clientWidth", 390 - 2 * 16 - 2 * 19)
    assert not visitor.scrolls_sideways()
    visitor.page.locator("#chart-cpu summary").click()
    assert not visitor.scrolls_sideways()


def test_without_javascript_the_tables_are_there(arrive: Arrive, digitalocean: Sandbox) -> None:
    visitor = arrive(javascript=False)

    to_graphs(visitor, digitalocean, "tables@example.com")

    expect(visitor.page.locator(".chart table")).to_have_count(len(CHARTS))
    for key in CHARTS:
        expect(visitor.page.locator(f"#chart-{key} table")).to_be_visible()
    assert visitor.sees("Times are in UTC.", "CPU over the last hour")
    visitor.follow("24 hours")
    assert visitor.sees("averages over 10 minutes")


def test_without_the_agent_the_command_can_be_copied(visitor: Visitor, digitalocean: Sandbox) -> None:
    token = digitalocean.connect(team="Acme Web")["access_token"]
    without = next(
        each["id"]
        for each in every(digitalocean, token, "droplets")
        if "monitoring" not in each["features"] and each["status"] == "active"
    )

    to_graphs(visitor, digitalocean, "agent@example.com", without)

    assert visitor.sees("No metrics agent.")
    expect(visitor.page.locator("canvas")).to_have_count(0)
    expect(visitor.page.locator(".agent-command [data-copy]")).to_be_visible()
    assert not Axe().run(visitor.page).response["violations"]


def test_an_open_page_renews_itself_and_keeps_what_is_pointed_at(visitor: Visitor, digitalocean: Sandbox) -> None:
    visitor.page.clock.install()
    fault = digitalocean.fault("status", path=f"{METRIC}/memory_total", status=500)
    to_graphs(visitor, digitalocean, "renews@example.com")
    expect(canvas(visitor, "memory")).to_have_count(0)
    visitor.page.locator("#chart-load summary").click()
    visitor.page.locator("#chart-load summary").focus()
    visitor.page.evaluate("window.before = document.querySelector('#plot-cpu canvas')")
    point_at(visitor, "cpu", 0.5)
    moment = visitor.page.locator("#chart-cpu .chart-moment").inner_text()
    values = told(visitor, "cpu")
    digitalocean.clear_faults(fault)

    with visitor.page.expect_response(re.compile("/graphs/")):
        visitor.page.clock.fast_forward(MINUTE)

    expect(canvas(visitor, "memory")).to_have_count(1)
    assert visitor.page.evaluate("window.before.isConnected")
    assert visitor.page.locator("#chart-cpu .chart-moment").inner_text() == moment != ""
    assert told(visitor, "cpu") == values
    expect(visitor.page.locator("#chart-load details")).to_have_attribute("open", "")
    expect(visitor.page.locator("#chart-load summary")).to_be_focused()
    expect(visitor.page.locator("#chart-memory details")).not_to_have_attribute("open", "")


def test_a_page_that_nobody_looks_at_asks_for_nothing(visitor: Visitor, digitalocean: Sandbox) -> None:
    visitor.page.add_init_script(HIDE)
    visitor.page.clock.install()
    to_graphs(visitor, digitalocean, "hidden@example.com")
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    visitor.page.evaluate("window.isHidden = true")

    visitor.page.clock.fast_forward(10 * MINUTE)
    visitor.page.evaluate("fetch('/healthz')")  # so that what was asked before it is known
    with visitor.page.expect_response(re.compile("/graphs/")):
        assert not [url for url in asked if "/graphs/" in url]
        visitor.page.evaluate("window.isHidden = false; document.dispatchEvent(new Event('visibilitychange'))")


def test_an_open_page_that_cannot_be_renewed_says_of_when_it_is(visitor: Visitor, digitalocean: Sandbox) -> None:
    visitor.page.clock.install()
    to_graphs(visitor, digitalocean, "late@example.com")
    late = visitor.page.locator("#late")
    expect(late).to_be_hidden()
    visitor.page.route("**/graphs/**", lambda route: route.fulfill(status=502, body=""))

    visitor.page.clock.fast_forward(MINUTE)

    expect(late).to_contain_text("newer figures could not be read")
    expect(late.locator("time")).to_have_text(re.compile("[0-9]{2}:[0-9]{2}"))
    visitor.page.unroute("**/graphs/**")
    visitor.complaints.clear()
    visitor.page.clock.fast_forward(2 * MINUTE)
    expect(late).to_be_hidden()
