"""The README's pictures, taken from the real page: `.venv/bin/python -m tests.browser.picture`."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

# Sets the environment that the others read when they are used.
from tests.support import environment  # noqa: F401  isort: skip
from playwright.sync_api import sync_playwright

from tests.browser import chromium
from tests.browser.server import Conveyor
from tests.browser.visitor import Visitor
from tests.support.programs import PROJECT
from tests.support.sandbox import Sandbox

SIZE = {"width": 1280, "height": 760}


def take(directory: Path) -> None:
    """Sign up, connect three teams, and photograph the fleet in both schemes."""
    path = chromium.found()
    sandbox = Sandbox.start(options=["--droplets", "24"])
    conveyor = Conveyor(directory, sandbox)
    try:
        conveyor.set_up()
        conveyor.start()
        with sync_playwright() as playwright:
            visitor = Visitor(chromium.launch(playwright, path), conveyor.url, conveyor.emails_directory, scale=1.4)
            visitor.sign_up("ada@acme.example")
            for team in ("Acme Web", "Northwind", "Side projects"):
                visitor.connect(team)
            visitor.page.set_viewport_size(SIZE)
            visitor.go("/droplets/")
            for scheme, name in (("light", "fleet.png"), ("dark", "fleet-dark.png")):
                visitor.page.emulate_media(color_scheme=scheme)
                visitor.page.screenshot(path=PROJECT / "docs" / name)
    finally:
        conveyor.stop()
        conveyor.database.drop()
        sandbox.stop()


if __name__ == "__main__":
    with TemporaryDirectory() as directory:
        take(Path(directory))
