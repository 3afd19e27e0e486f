"""How the pages look to everybody: accessible in light and dark, and nothing to scroll sideways for."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.visitor import NARROW, WIDE, Visitor
from tests.support.sandbox import Sandbox

OUTSIDE = (
    "/",
    "/accounts/signup/",
    "/accounts/login/",
    "/accounts/password/reset/",
    "/accounts/lost-phone/",
    "/nowhere/",
)
INSIDE = (
    "/activity/",
    "/activity/feed/",
    "/droplets/",
    "/droplets/?page=2",
    "/watchers/",
    "/watchers/add/",
    "/accounts/3rdparty/",
    "/account/data/",
    "/account/history/",
    "/accounts/settings/",
    "/accounts/email/",
    "/accounts/password/change/",
    "/accounts/2fa/",
    "/accounts/2fa/totp/activate/",
    "/accounts/2fa/webauthn/",
    "/accounts/2fa/webauthn/add/",
    "/accounts/sessions/",
    "/accounts/delete/",
    "/accounts/logout/",
)
HOSTILE = (
    "<script>alert(1)</script>",
    "\u202egnp.exe\u2066",
    "w" * 255,
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}{% now 'Y' %}",
)


def look_at(visitor: Visitor, path: str) -> None:
    """Every way of seeing a page, each judged."""
    visitor.page.set_viewport_size(WIDE)
    visitor.go(path)
    assert not visitor.scrolls_sideways(), f"{path} at 1280"
    for scheme in ("light", "dark"):
        visitor.page.emulate_media(color_scheme=scheme)
        found = [
            (violation["id"], [node["html"] for node in violation["nodes"]])
            for violation in Axe().run(visitor.page).response["violations"]
            if violation["impact"] in ("serious", "critical")
        ]
        assert found == [], f"{path} in {scheme}"
    visitor.page.set_viewport_size(NARROW)
    assert not visitor.scrolls_sideways(), f"{path} at 390"


@pytest.mark.parametrize("path", OUTSIDE)
def test_pages_for_everybody(visitor: Visitor, path: str) -> None:
    visitor.may_answer.add(404)
    look_at(visitor, path)


def test_pages_of_somebody_with_two_teams(visitor: Visitor, digitalocean: Sandbox) -> None:
    digitalocean.droplets("Acme Web", count=60)
    visitor.sign_up("looks@example.com")
    for path in ("/droplets/", "/accounts/3rdparty/"):
        look_at(visitor, path)
    visitor.go("/droplets/")
    for team in ("Acme Web", "Northwind"):
        visitor.connect(team)

    for path in INSIDE:
        look_at(visitor, path)
    for link in ("th.fleet-name a", "a:has-text('Disconnect')"):
        visitor.go("/droplets/" if "fleet" in link else "/accounts/3rdparty/")
        look_at(visitor, visitor.page.locator(link).first.get_attribute("href") or "")


def test_pages_in_trouble(visitor: Visitor, digitalocean: Sandbox) -> None:
    visitor.sign_up("trouble@example.com")
    for team in ("Acme Web", "Northwind", "Side projects"):
        visitor.connect(team)
    digitalocean.revoke(team="Northwind")
    digitalocean.fault("status", path="/v2/droplets", team="Side projects", status=503)

    visitor.go("/droplets/")
    assert visitor.sees("Northwind", "Side projects")
    for path in ("/droplets/", "/accounts/3rdparty/"):
        look_at(visitor, path)


def test_hostile_names_are_text(visitor: Visitor, digitalocean: Sandbox) -> None:
    patches = [{"index": n, "set": {"name": name, "tags": [name]}} for n, name in enumerate(HOSTILE)]
    digitalocean.droplets("Acme Web", patch=patches)
    visitor.sign_up("hostile@example.com")
    visitor.connect("Acme Web")
    look_at(visitor, "/droplets/")

    visitor.go("/droplets/")
    shown = visitor.page.locator("th.fleet-name a").evaluate_all("links => links.map(link => link.title)")

    # What would turn the text around, or hide in it, has a visible stand-in.
    names = [name.translate({0x202E: None, 0x2066: None}) for name in HOSTILE]
    assert set(names) <= set(shown)
    for name in names:
        visitor.go("/droplets/")
        address = visitor.page.locator("th.fleet-name a").nth(shown.index(name)).get_attribute("href")
        look_at(visitor, address or "")
        assert visitor.page.get_by_role("heading", level=1).text_content() == name
